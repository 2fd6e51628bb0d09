"""What Schemathesis is told of the server under test: keys, and what its description leaves to the agent."""
import itertools, json, os

import schemathesis
from hypothesis import strategies as st

with open(os.environ["FUZZ_FACTS"]) as file:
    FACTS = json.load(file)
KEYS = itertools.cycle(FACTS["keys"])

NUMBERS = ["+4722864400", "+14155552671", "+442079460958", "+4930901820", "+33142685300"]
LOCAL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=20)
schemathesis.openapi.format("phone", st.sampled_from(NUMBERS))
schemathesis.openapi.format("email", st.builds("{}.{}@{}.example.com".format, LOCAL, LOCAL, LOCAL))
WORDS = st.characters(codec="utf-8", categories=["L", "N", "P", "Z", "S"])
schemathesis.openapi.media_type("text/plain", st.text(WORDS, min_size=1).map(str.encode))


@schemathesis.auth(refresh_interval=None)
class Key:
    """Each call has the next key: one alone may not call so often."""

    def get(self, case, context):
        return next(KEYS)

    def set(self, case, data, context):
        case.headers["X-API-Key"], case.headers["X-API-Secret"] = data


def values_of(field):
    """The values that one of the agent's own fields takes, as its contact schema tells them."""
    match field["type"]:
        case "select":
            return {"enum": [*field["options"], "", None]}
        case "number":
            return {"type": ["number", "null"], "minimum": field["min"], "maximum": field["max"]}
        case "date":
            return {"type": "string", "format": "date"}
        case "checkbox":
            return {"type": ["boolean", "null"]}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """The description leaves an agent's own fields, stages, members and forms to the calls that tell them."""
    schemas = raw_schema["components"]["schemas"]
    for name in ("NewContact", "ContactChange"):
        properties = schemas[name]["properties"]
        own = {field["name"]: values_of(field) for field in FACTS["schema"]["customFields"]}
        properties["customFields"] = {"type": ["object", "null"], "properties": own, "additionalProperties": False}
        properties["stage"] = {"enum": [*FACTS["schema"]["stages"], "", None]}
        properties["ownerId"] = {"enum": [FACTS["owner"], "", None]}
    line = schemas["NewContact"]["properties"]["firstName"]["pattern"]
    lines = line.replace("\\u0000-\\u001f", "\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f")
    schemas["NewSubmission"] = {
        "type": "object",
        "required": ["email"],
        "properties": {
            "email": {"type": "string", "format": "email"},
            "message": {"type": ["string", "null"], "maxLength": 10000, "pattern": lines},
        },
        "additionalProperties": False,
    }
    kind = {"type": "object", "properties": {"type": {"enum": ["string", "number", "integer", "boolean"]}}}
    wanted = schemas["NewExtraction"]["properties"]
    wanted["schema"]["properties"]["properties"]["additionalProperties"] = {**kind, "additionalProperties": False}
    # Which contact gets what is found depends on the wanted fields: tested by the API's own tests.
    del wanted["contact"]
    extraction = raw_schema["paths"]["/v1/open/document-extraction/chatbots/{agent_id}"]["post"]
    extraction["requestBody"]["content"]["multipart/form-data"]["encoding"]["file"] = {"contentType": "text/plain"}

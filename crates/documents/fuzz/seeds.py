"""Fills corpus/ with seeds: python3 seeds.py [FOLDER…]

Takes the fixtures of the tests, the documents of the demo, and every file below the folders that are named. A
container goes in as it is and, for the formats whose target reads a part alone, with that part beside it.
"""

import hashlib
import pathlib
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MAX_BYTES = 200_000

TARGETS = {
    "pdf": ["pdf"],
    "docx": ["docx"],
    "pptx": ["pptx"],
    "xlsx": ["xlsx"],
    "xls": ["xls"],
    "odt": ["odt"],
    "ods": ["ods"],
    "epub": ["epub"],
    "rtf": ["rtf"],
    "eml": ["email"],
    "json": ["json"],
    "jsonl": ["json"],
    "ndjson": ["json"],
    "html": ["html"],
    "md": ["markdown", "text"],
    "txt": ["text"],
    "csv": ["csv"],
    "tsv": ["csv"],
}
PARTS = {
    "docx": ["word/document.xml"],
    "pptx": ["ppt/slides/slide1.xml"],
    "xlsx": ["xl/worksheets/sheet1.xml"],
    "odt": ["content.xml"],
    "ods": ["content.xml"],
}
# Formats without a file in the tree begin with these.
SMALL = {
    "pptx": b"<p:sld><p:sp><p:nvPr><p:ph type='title'/></p:nvPr><a:p><a:r><a:t>x</a:t></a:r></a:p></p:sp><a:tbl><a:tr><a:tc><a:p><a:t>y</a:t></a:p></a:tc></a:tr></a:tbl></p:sld>",
    "xlsx": b"<worksheet><sheetData><row r='1'><c r='A1' t='inlineStr'><is><t>x</t></is></c><c r='B1' s='1'><v>1.5</v></c></row></sheetData></worksheet>",
    "odt": b"<office:text><text:h text:outline-level='1'>x</text:h><text:list><text:p>y</text:p></text:list><table:table><table:table-row><table:table-cell><text:p>z</text:p></table:table-cell></table:table-row></table:table></office:text>",
    "ods": b"<office:spreadsheet><table:table table:name='A'><table:table-row table:number-rows-repeated='2'><table:table-cell table:number-columns-repeated='2'><text:p>x</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet>",
    "epub": b"<package><manifest><item id='a' href='a.xhtml' media-type='application/xhtml+xml'/></manifest><spine><itemref idref='a'/></spine></package>",
    "rtf": rb"{\rtf1\ansi{\fonttbl{\f0\fcharset204 A;}}{\stylesheet{\s1 heading 1;}}\s1 x\par\trowd\cellx1 a\cell\row \u8364?\'e4{\footnote y}}",
    "email": b"Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Disposition: attachment; filename=a.csv\n\na,b\n--b--\n",
    "json": b'[{"question":"x?","answer":"y"},{"a":{"b":[1,2.5,null,true]}}]',
    "csv": b'sep=;\na;b\n"x""y";2\n',
    "html": b"<title>t</title><nav><a href=x>m</a></nav><main><h1>H</h1><table><tr><th colspan=2>a<tr><td rowspan=2>b</table></main>",
    "markdown": b"---\ntitle: t\n---\n# H\n\n| a |\n|---|\n| 1 |\n\n- x\n",
}


def add(target, content):
    if len(content) <= MAX_BYTES:
        folder = HERE / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


def add_file(path):
    ending = path.suffix.lower().lstrip(".")
    content = path.read_bytes()
    for target in TARGETS.get(ending, []):
        add(target, content)
    add("detect", (ending.encode() + b" " * 8)[:8] + content[:2048])
    if ending in PARTS and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as container:
            for part in set(PARTS[ending]) & set(container.namelist()):
                if container.getinfo(part).file_size <= MAX_BYTES:
                    add(TARGETS[ending][0], container.read(part))


def main():
    for target, content in SMALL.items():
        add(target, content)
    folders = [HERE.parent / "tests" / "fixtures", ROOT / "demo", ROOT / "docs"]
    for folder in folders + [pathlib.Path(name) for name in sys.argv[1:]]:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                try:
                    add_file(path)
                except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
                    print(f"{path}: {error}", file=sys.stderr)


main()

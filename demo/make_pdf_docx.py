"""Makes the two binary documents of the demo: a PDF manual and a DOCX policy.

Run `pip install reportlab python-docx`, then `python demo/make_pdf_docx.py`.
The output is the same on every run: reportlab works in its invariant mode, and
the dates inside the DOCX package are fixed.
"""

import datetime
import io
import zipfile
from pathlib import Path

import docx
from docx.shared import Pt
from reportlab.lib import colors
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import (
    CondPageBreak,
    ListFlowable,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

DOCUMENTS = Path(__file__).parent / "documents"
PUBLISHED = datetime.datetime(2026, 9, 1, 12, 0, 0)

# --- The manual -------------------------------------------------------------

# A chapter is a heading and a list of blocks: a string is a paragraph, a list
# the steps of a procedure, a tuple the rows of a table (first row: header).
MANUAL = [
    ("1. About this stove", [
        "The Fjellild 2 is a camping stove for gas cartridges with a threaded valve. "
        "It is made for cooking outdoors and for melting snow on winter tours. "
        "The burner stands low on three legs, and the cartridge is connected by a hose.",
        "Read this manual before you use the stove for the first time, and keep it for later. "
        "The Fjellild 2 must not be used for heating rooms or tents.",
        "The box of the Fjellild 2 contains the burner with hose and valve, a foil windscreen, "
        "a stuff sack, a spare O-ring and this manual. Gas cartridges and pots are not included.",
        (("Part", "Purpose", "Spare part number"),
         ("Burner head", "Mixes gas and air", "FJ2-BH"),
         ("Jet", "Sets the amount of gas", "FJ2-JT"),
         ("Preheating tube", "Turns liquid gas into vapour", "FJ2-PT"),
         ("O-ring", "Seals the cartridge", "FJ2-OR"),
         ("Piezo igniter", "Lights the burner", "FJ2-PZ"),
         ("Service kit", "O-ring, jet, tool and grease", "FJ2-SK")),
        "The spare O-ring of the Fjellild 2 has the part number FJ2-OR.",
    ]),
    ("2. Safety", [
        "<b>Warning:</b> Carbon monoxide has no smell and can kill. Never use the Fjellild 2 "
        "inside a closed tent, a car, a cabin or any other closed room.",
        "Keep a distance of at least 1.5 metres above the Fjellild 2 and 1 metre around it "
        "free of anything that can burn. "
        "Place the stove on level, firm ground that does not burn.",
        "Never leave a burning stove alone. Keep children and animals at least two metres away. "
        "The pot supports and the burner head stay hot for about ten minutes after use.",
        "Never use a pot with a diameter of more than 22 cm on the Fjellild 2, because reflected "
        "heat can damage the hose. The pot and its contents must not weigh more than 6 kg.",
        "Never put the windscreen around the gas cartridge. A cartridge that feels hot to the "
        "hand must be moved away from the flame at once.",
        "If you smell gas, close the valve, put out all flames, carry the stove outdoors and look "
        "for the leak with soapy water. Never look for a leak with a flame.",
        "Cool a burn under lukewarm running water for 20 minutes, and then see a doctor if the "
        "burn is larger than the palm of your hand.",
    ]),
    ("3. Fuel", [
        "The Fjellild 2 burns a mixture of isobutane and propane from cartridges with a threaded "
        "valve according to EN 417. Use only cartridges of 100 g, 230 g or 450 g.",
        "Never connect the stove to petrol, kerosene or spirit, and never refill an empty cartridge.",
        "One 230 g cartridge lasts for about 67 minutes at full power, which is enough to boil "
        "around 16 litres of water in summer.",
        (("Season", "Gas per person and day", "Typical use"),
         ("Summer", "35 g", "Two warm meals and coffee"),
         ("Autumn", "50 g", "Two warm meals and hot drinks"),
         ("Winter", "110 g", "Melting snow for all water")),
        "In winter the Fjellild 2 needs about 110 g of gas per person and day when you melt snow for "
        "drinking.",
        "At temperatures below zero, turn the cartridge upside down so that liquid gas flows to "
        "the preheating tube. Let the burner run for 60 seconds with the cartridge upright before "
        "you turn it over.",
        "Store gas cartridges upright, out of the sun and below 50 °C.",
    ]),
    ("4. Before the first use", [
        "Check the stove before every trip. The hose must be free of cracks, and the O-ring in "
        "the valve must be clean and undamaged.",
        ["Unfold the three legs until they click.",
         "Make sure that the control valve is closed by turning it clockwise as far as it goes.",
         "Hold the cartridge upright and screw it onto the valve by hand, never with a tool.",
         "Brush soapy water onto the connection and watch for bubbles for 30 seconds.",
         "If bubbles appear, unscrew the cartridge outdoors and replace the O-ring."],
        "Let the burner run outdoors for five minutes before its first use, because a protective "
        "coating burns off and smells for a short time.",
    ]),
    ("5. Lighting and cooking", [
        ["Set up the windscreen on three sides of the burner, with the open side away from the wind.",
         "Open the control valve by a quarter turn.",
         "Press the piezo igniter until the gas lights; try at most three times.",
         "Wait for ten seconds until the flame is steady, and then open the valve further.",
         "Place the pot in the middle of the pot supports."],
        "If the Fjellild 2 does not light after three attempts, close the valve and wait for one "
        "minute before you try again, so that the gas can drift away.",
        "The piezo igniter does not work reliably above 3,000 metres or when it is wet, so always "
        "carry matches or a fire steel.",
        "The Fjellild 2 boils one litre of water in 3 minutes and 40 seconds at 20 °C without wind. "
        "A lid saves about a fifth of the gas.",
        "To put the stove out, close the control valve clockwise. When the cartridge was upside "
        "down, the flame can go on burning for up to 15 seconds.",
        "Let the stove cool for at least ten minutes before you unscrew the cartridge and pack it.",
    ]),
    ("6. Cleaning and care", [
        "Clean the Fjellild 2 after every trip with a damp cloth and a soft brush. Never put it "
        "into water or a dishwasher, because water in the hose freezes and blocks the gas.",
        "Clean the jet of the Fjellild 2 after every 50 hours of use or when the flame turns yellow.",
        ["Unscrew the cartridge and let the stove cool completely.",
         "Turn the burner head anticlockwise with the tool of the service kit and lift it off.",
         "Unscrew the jet and blow through it; never push a needle into it.",
         "Put the jet back, tighten it gently and screw the burner head on.",
         "Do a leak test with soapy water before the next use."],
        "Replace the O-ring every two years, or sooner when it looks dry or cracked. "
        "Rub the new O-ring with a trace of silicone grease.",
        "We recommend a service by the Nordlys workshop every second year or after 200 hours of "
        "use. A stove service by the Nordlys workshop costs 350 NOK.",
        "Store the stove dry, without its cartridge, in the stuff sack.",
    ]),
    ("7. Troubleshooting", [
        "The table lists the usual faults, their causes and what to do. Work on the stove only "
        "when it is cold and the cartridge is unscrewed.",
        (("Fault", "Likely cause", "What to do"),
         ("No gas comes out", "Cartridge empty or not screwed tight", "Screw it on, or use a new cartridge."),
         ("Igniter sparks, no flame", "Valve opened too far", "Open the valve only by a quarter turn."),
         ("Igniter does not spark", "Igniter wet or tip bent", "Dry it; bend the tip to 4 mm from the burner."),
         ("Flame is yellow", "Jet or air holes dirty", "Clean the jet and the air holes."),
         ("Flame flares up", "Liquid gas in a cold burner", "Turn the cartridge upright for 60 seconds."),
         ("Flame is weak", "Cartridge cold or nearly empty", "Warm it in your hands or turn it over."),
         ("Smell of gas", "O-ring damaged", "Close the valve and replace the O-ring.")),
        "A yellow flame means that the jet or the air holes of the Fjellild 2 are dirty. "
        "A flame that flares up means that liquid gas has reached a cold burner.",
        "If a fault remains, do not open the valve body. Hand in the stove at a Nordlys Outdoor "
        "store or write to repairs@nordlys.example with its serial number.",
        "The serial number is stamped on the underside of the burner base and begins with FJ2.",
    ]),
    ("8. Technical data", [
        (("Property", "Value"),
         ("Article number", "NO-STO-201"),
         ("Output", "2.8 kW"),
         ("Gas consumption", "205 g per hour"),
         ("Time to boil one litre", "3 min 40 s"),
         ("Weight without stuff sack", "312 g"),
         ("Packed size", "10 x 10 x 6.5 cm"),
         ("Length of hose", "32 cm"),
         ("Largest pot", "22 cm across, 6 kg"),
         ("Temperature range", "minus 20 °C to plus 40 °C"),
         ("Greatest altitude", "4,500 m"),
         ("Materials", "stainless steel, brass, titanium legs")),
        "The Fjellild 2 weighs 312 grams without its stuff sack. The Fjellild 2 has an output of "
        "2.8 kW and uses 205 grams of gas per hour at full power. The Fjellild 2 works at "
        "temperatures from minus 20 °C to plus 40 °C and up to an altitude of 4,500 metres.",
    ]),
    ("9. Warranty and disposal", [
        "The Fjellild 2 carries a warranty of three years from the date of purchase. "
        "The warranty does not cover damage caused by other fuels, by changes to the stove or by "
        "a windscreen closed all around.",
        "Spare parts for the Fjellild 2 are kept for at least ten years after the model has left "
        "the range.",
        "The stove is made of metal and belongs in metal recycling at the end of its life. Empty "
        "cartridges are taken back by all Nordlys Outdoor stores, whatever their brand.",
        "Nordlys Outdoor AS, Polarlysgata 12, 9008 Tromsø, Norway. Customer service: "
        "+47 55 01 00 00, hello@nordlys.example. Manual version 3, September 2026.",
    ]),
]


def manual_styles():
    base = getSampleStyleSheet()
    return {
        "title": ParagraphStyle("title", parent=base["Title"], fontSize=26, leading=32),
        "sub": ParagraphStyle("sub", parent=base["Title"], fontSize=14, leading=18),
        "h": ParagraphStyle("h", parent=base["Heading1"], fontSize=15, leading=19, spaceBefore=10,
                            spaceAfter=6, keepWithNext=1),
        "p": ParagraphStyle("p", parent=base["BodyText"], fontSize=10, leading=13.5, spaceAfter=4),
        "cell": ParagraphStyle("cell", parent=base["BodyText"], fontSize=8.5, leading=11),
    }


def manual_table(rows, styles, width):
    cells = [[Paragraph(text, styles["cell"]) for text in row] for row in rows]
    table = Table(cells, colWidths=[width / len(rows[0])] * len(rows[0]), repeatRows=1)
    table.setStyle(TableStyle([
        ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#9fb3b0")),
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e3efec")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]))
    return table


def manual_block(block, styles, width):
    if isinstance(block, str):
        return [Paragraph(block, styles["p"])]
    if isinstance(block, list):
        steps = [Paragraph(step, styles["p"]) for step in block]
        return [ListFlowable(steps, bulletType="1", bulletFormat="%s."), Spacer(1, 2 * mm)]
    return [Spacer(1, 1 * mm), manual_table(block, styles, width), Spacer(1, 3 * mm)]


def page_furniture(canvas, document):
    canvas.saveState()
    canvas.setFont("Helvetica", 8)
    canvas.drawString(document.leftMargin, 9 * mm, "Fjellild 2 camping stove - user manual")
    canvas.drawRightString(document.pagesize[0] - document.rightMargin, 9 * mm, str(document.page))
    canvas.restoreState()


def make_manual(path):
    document = SimpleDocTemplate(
        str(path), pagesize=A5, invariant=1, lang="en",
        title="Fjellild 2 camping stove – user manual", author="Nordlys Outdoor AS",
        leftMargin=16 * mm, rightMargin=16 * mm, topMargin=16 * mm, bottomMargin=18 * mm,
    )
    styles = manual_styles()
    story = [
        Spacer(1, 45 * mm),
        Paragraph("Fjellild 2 camping stove", styles["title"]),
        Paragraph("User manual", styles["sub"]),
        Spacer(1, 30 * mm),
        Paragraph("Please read this manual before you light the stove. "
                  "A stove that is used wrongly can cause fire, burns and poisoning.", styles["p"]),
    ]
    story.append(PageBreak())
    for heading, blocks in MANUAL:
        # A chapter starts on a new page when less than its beginning would fit.
        story.append(CondPageBreak(70 * mm))
        story.append(Paragraph(heading, styles["h"]))
        for block in blocks:
            story.extend(manual_block(block, styles, document.width))
    document.build(story, onLaterPages=page_furniture)


# --- The policy -------------------------------------------------------------

POLICY = [
    ("Scope", [
        "These terms apply to all sales by Nordlys Outdoor AS to companies, public bodies and "
        "associations. They do not apply to private customers, who have wider rights by law.",
        "Other terms of the buyer apply only if Nordlys Outdoor has accepted them in writing.",
    ]),
    ("Orders and prices", [
        "The minimum value of a wholesale order is 10,000 NOK excluding VAT. A written quote is "
        "valid for 30 days. List prices change on 1 March and 1 September each year, and orders "
        "already confirmed keep their price.",
        (("Order value excluding VAT", "Discount", "Free delivery in Norway"),
         ("5,000 – 9,999 NOK (schools, scouts, rescue teams)", "15%", "yes"),
         ("10,000 – 49,999 NOK", "10%", "yes"),
         ("50,000 – 149,999 NOK", "15%", "yes"),
         ("150,000 NOK and more", "20%", "yes")),
    ]),
    ("Payment", [
        "Invoices to approved business customers are due 30 days after the invoice date. The first "
        "order of a new customer is paid in advance. Late payment is charged with 1% interest a "
        "month, and a reminder costs 70 NOK.",
        "The goods remain the property of Nordlys Outdoor until they are paid in full.",
    ]),
    ("Delivery and risk", [
        "The risk passes to the business customer when the goods are handed over at the delivery "
        "address. If we deliver more than ten working days late, the business customer may cancel "
        "the delayed part of the order.",
        "Business customers must check pallets on arrival and note visible damage on the delivery "
        "note. Hidden transport damage must be reported by business customers within five working "
        "days of delivery.",
    ]),
    ("Returns", [
        "Business customers can return unused goods in original packaging within 30 days of "
        "delivery. A restocking fee of 15% of the net price is deducted, with a minimum of "
        "200 NOK for each return. The business customer pays the return freight.",
        "A return by a business customer is made in these steps:",
        ["Write to business@nordlys.example with the invoice number and the articles.",
         "Wait for the return number, which we send within two working days.",
         "Write the return number on the outside of every parcel or pallet.",
         "Send the goods within 14 days of receiving the return number."],
        "The credit note for a business return is issued within ten working days after the goods "
        "have arrived. Parcels without a return number are refused at the warehouse.",
        (("Goods", "Return accepted", "Restocking fee"),
         ("Unused, in original packaging", "within 30 days", "15%"),
         ("Pre-season orders", "within 14 days", "25%"),
         ("Wrongly delivered by us", "within 30 days", "none"),
         ("With embroidered logo", "no", "not applicable"),
         ("Gas, fuel and food", "no", "not applicable")),
        "Pre-season orders can be returned only within 14 days, and a restocking fee of 25% applies "
        "to them.",
    ]),
    ("Faults and warranty", [
        "Business customers must report a fault within 14 days of discovering it. The warranty for "
        "business use is two years for tents, backpacks and sleeping bags and one year for all "
        "other products. Equipment that is rented out commercially has no warranty.",
        "We first have the right to repair or replace faulty goods, and after two failed attempts "
        "the business customer may return them for the full price.",
    ]),
    ("Liability", [
        "The liability of Nordlys Outdoor to business customers is limited to the value of the "
        "order, except in cases of intent or gross negligence. We are not liable for lost profit.",
    ]),
    ("Law and disputes", [
        "Norwegian law applies to all contracts with business customers. Disputes that cannot be "
        "settled by talks are decided by the district court in Tromsø.",
    ]),
]


def add_policy_table(document, rows):
    table = document.add_table(rows=0, cols=len(rows[0]), style="Light Grid Accent 1")
    for row in rows:
        for cell, text in zip(table.add_row().cells, row):
            cell.text = text
    document.add_paragraph()


def policy_document():
    document = docx.Document()
    document.styles["Normal"].font.name = "Calibri"
    document.styles["Normal"].font.size = Pt(11)
    properties = document.core_properties
    properties.title = "Terms of sale and returns policy for business customers"
    properties.author = properties.last_modified_by = "Nordlys Outdoor AS"
    properties.comments = ""
    properties.created = properties.modified = PUBLISHED
    document.add_heading(properties.title, level=0)
    document.add_paragraph("Nordlys Outdoor AS, Tromsø. Valid from 1 September 2026.")
    for number, (heading, blocks) in enumerate(POLICY, start=1):
        document.add_heading(f"{number}. {heading}", level=1)
        for block in blocks:
            if isinstance(block, str):
                document.add_paragraph(block)
            elif isinstance(block, list):
                for step in block:
                    document.add_paragraph(step, style="List Number")
            else:
                add_policy_table(document, block)
    return document


def make_policy(path):
    """Writes the package again with fixed entry dates; python-docx stamps the current time."""
    raw = io.BytesIO()
    policy_document().save(raw)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, PUBLISHED.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))


if __name__ == "__main__":
    make_manual(DOCUMENTS / "fjellild-2-camping-stove-manual.pdf")
    make_policy(DOCUMENTS / "terms-for-business-customers.docx")

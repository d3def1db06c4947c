"""Makes the demo documents from texts.py: `python -m omnisupport.demo.make_documents` (needs reportlab and DejaVu fonts)."""

import html
from pathlib import Path

import docx
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, ListFlowable, Paragraph, SimpleDocTemplate, Spacer, Table

from omnisupport.demo.texts import DOCUMENTS, Section

HERE = Path(__file__).parent
FONTS = Path("/usr/share/fonts/truetype/dejavu")


def make_pdf(path: Path, title: str, sections: list[Section]) -> None:
    pdfmetrics.registerFont(TTFont("Body", FONTS / "DejaVuSans.ttf"))
    pdfmetrics.registerFont(TTFont("Bold", FONTS / "DejaVuSans-Bold.ttf"))
    body = ParagraphStyle("body", fontName="Body", fontSize=10, leading=15)
    heading = ParagraphStyle("heading", fontName="Bold", fontSize=14, leading=20, spaceBefore=12)
    top = ParagraphStyle("top", fontName="Bold", fontSize=18, leading=26)
    flow: list[Flowable] = [Paragraph(title, top)]
    for name, blocks in sections:
        flow.append(Paragraph(name, heading))
        for block in blocks:
            if isinstance(block, str):
                flow.append(Paragraph(block, body))
            elif isinstance(block, tuple):
                flow.append(ListFlowable([Paragraph(item, body) for item in block], bulletType="1"))
            else:
                flow.append(Table([[Paragraph(cell, body) for cell in row] for row in block]))
            flow.append(Spacer(1, 6))
    SimpleDocTemplate(str(path), pagesize=A4, title=title, invariant=1).build(flow)


def make_docx(path: Path, title: str, sections: list[Section]) -> None:
    document = docx.Document()
    document.core_properties.title = title
    document.core_properties.author = ""
    document.add_heading(title, 0)
    for name, blocks in sections:
        document.add_heading(name, 1)
        for block in blocks:
            if isinstance(block, str):
                document.add_paragraph(block)
            elif isinstance(block, tuple):
                for item in block:
                    document.add_paragraph(item, style="List Number")
            else:
                table = document.add_table(rows=0, cols=len(block[0]))
                for row in block:
                    for cell, text in zip(table.add_row().cells, row, strict=True):
                        cell.text = text
    document.save(str(path))


def make_html(path: Path, title: str, sections: list[Section]) -> None:
    language = "ru" if path.parent.name == "shop" else "en"
    parts = [
        f'<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8"><title>{html.escape(title)}</title></head>'
    ]
    parts.append(f"<body>\n<h1>{html.escape(title)}</h1>")
    for name, blocks in sections:
        parts.append(f"<h2>{html.escape(name)}</h2>")
        for block in blocks:
            if isinstance(block, str):
                parts.append(f"<p>{html.escape(block)}</p>")
            elif isinstance(block, tuple):
                parts.append("<ol>" + "".join(f"<li>{html.escape(item)}</li>" for item in block) + "</ol>")
            else:
                rows = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in block]
                parts.append("<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>")
    parts.append("</body>\n</html>\n")
    path.write_text("\n".join(parts), encoding="utf-8")


MAKERS = {".pdf": make_pdf, ".docx": make_docx, ".html": make_html}


def main() -> None:
    for workspace, documents in DOCUMENTS.items():
        for filename, title, sections in documents:
            path = HERE / workspace / filename
            path.parent.mkdir(exist_ok=True)
            MAKERS[path.suffix](path, title, sections)


if __name__ == "__main__":
    main()

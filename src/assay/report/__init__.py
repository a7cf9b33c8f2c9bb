"""Reports: findings and profiles become a page of blocks; a page becomes text, Markdown, JSON, JUnit XML or HTML."""

from assay.report.findings import findings_page
from assay.report.page import Page
from assay.report.profile import profile_page
from assay.report.render import FORMATS, SUFFIXES, render, write
from assay.report.saved import load_findings
from assay.report.sentences import sentence

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "Page",
    "findings_page",
    "load_findings",
    "profile_page",
    "render",
    "sentence",
    "write",
]

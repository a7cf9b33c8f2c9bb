"""Reports: findings and profiles become a page of blocks; a page becomes text, Markdown, JSON, JUnit XML or HTML."""

from assay.reports.findings import findings_page
from assay.reports.page import Page
from assay.reports.profile import profile_page
from assay.reports.render import FORMATS, SUFFIXES, render, write
from assay.reports.saved import load_findings
from assay.reports.sentences import sentence

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

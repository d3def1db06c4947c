"""Questions with a known answer, and how well the assistant does on them. Pure: asks nobody, stores nothing."""

from ai_assistant.evaluation.cases import Case, CaseError, read_cases
from ai_assistant.evaluation.scoring import Verdict, judge
from ai_assistant.evaluation.summary import DEPTHS, Summary, summarize

__all__ = ["DEPTHS", "Case", "CaseError", "Summary", "Verdict", "judge", "read_cases", "summarize"]

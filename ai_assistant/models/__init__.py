from ai_assistant.models.questions import (
    EvaluationResult,
    EvaluationRun,
    SavedQuestion,
)
from ai_assistant.models.receipts import (
    Aid,
    Answer,
    Confirmation,
    LearnedAnswer,
)
from ai_assistant.models.settings import (
    Assistant,
    CustomAnswer,
    EmbeddingModel,
    ForbiddenTopic,
    MonthlySpending,
    SettingsChange,
    Tone,
    Tool,
)

__all__ = [
    "Aid",
    "Answer",
    "Assistant",
    "Confirmation",
    "CustomAnswer",
    "EmbeddingModel",
    "EvaluationResult",
    "EvaluationRun",
    "ForbiddenTopic",
    "LearnedAnswer",
    "MonthlySpending",
    "SavedQuestion",
    "SettingsChange",
    "Tone",
    "Tool",
]

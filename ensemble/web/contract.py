"""What OpenAPI says of the routes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ensemble.web.requests import JSON, MULTIPART


class Vote(BaseModel):
    """A member's first class and that class's probability."""

    model_config = ConfigDict(populate_by_name=True)

    label: int | str = Field(alias="class")
    probability: float = Field(ge=0, le=1)


class Prediction(BaseModel):
    """The prediction of one sample."""

    model_config = ConfigDict(populate_by_name=True)

    source: str
    label: int | str = Field(alias="class")
    probabilities: dict[str, float]
    agreement: float = Field(ge=0, le=1)
    mutual_information: float = Field(ge=0)
    members: dict[str, Vote]


class Predictions(BaseModel):
    """One prediction per sample, in order."""

    predictions: list[Prediction]


class Health(BaseModel):
    """What is served, and its limits."""

    status: str
    classes: list[int | str]
    members: list[str]
    input_shape: list[int]
    limits: dict[str, float]


class Refusal(BaseModel):
    """One line that says what is wrong."""

    detail: str


def _refusals(**reasons: str) -> dict[int | str, dict[str, Any]]:
    return {
        int(code.removeprefix("code_")): {"description": reason, "model": Refusal}
        for code, reason in reasons.items()
    }


def _list_of(key: str, items: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [key],
        "additionalProperties": False,
        "properties": {key: {"type": "array", "minItems": 1, "items": items}},
    }


_BUSY = "Too many requests are being worked on; see Retry-After."
_LARGE = "The request is larger than the limit."

HEALTH: dict[str, Any] = {
    "response_model": Health,
    "responses": _refusals(code_503=_BUSY, code_413=_LARGE),
}

PREDICT: dict[str, Any] = {
    "response_model": Predictions,
    "responses": _refusals(
        code_400="The body is not what its content type says.",
        code_408="The request did not arrive in time.",
        code_413=_LARGE,
        code_415="Another content type.",
        code_422="An image or array cannot be used.",
        code_503=_BUSY,
    ),
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                MULTIPART: {
                    "schema": {
                        "type": "object",
                        "required": ["image"],
                        "properties": {
                            "image": {
                                "type": "array",
                                "minItems": 1,
                                "items": {"type": "string", "format": "binary"},
                            }
                        },
                    }
                },
                JSON: {
                    "schema": {
                        "oneOf": [
                            _list_of("images", {"type": "string", "format": "byte"}),
                            _list_of("samples", {}),
                        ]
                    }
                },
            },
        }
    },
}

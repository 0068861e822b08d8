"""parse(): answers as a program's own types, by pydantic where that is installed.

Only here is pydantic looked for. The schemas are those that the OpenAI SDK makes of the same types, for its strict mode: all
members required, no others allowed.
"""

from __future__ import annotations

import inspect
from typing import Any, Dict, Mapping, Optional

from ._errors import ContentFilterFinishReasonError, LengthFinishReasonError
from ._kinds import ParsedChatCompletion, ParsedResponse
from ._types import NotGiven, Omit


def _adapter(kind: Any) -> Any:
    try:
        from pydantic import TypeAdapter
    except ImportError:
        raise ImportError("parse() makes answers into types of pydantic, which is not installed: pip install pydantic") from None
    return TypeAdapter(kind)


def _is_type(kind: Any) -> bool:
    return inspect.isclass(kind) and not issubclass(kind, (dict, str))


def strict_schema(kind: Any) -> Dict[str, Any]:
    """The JSON Schema of a type, as strict mode wants it."""
    schema: Dict[str, Any] = _adapter(kind).json_schema()
    _strict(schema, schema)
    return schema


def _strict(schema: Any, root: Dict[str, Any]) -> Any:
    if not isinstance(schema, dict):
        return schema
    for group in ("$defs", "definitions", "properties"):
        if isinstance(schema.get(group), dict):
            for inner in schema[group].values():
                _strict(inner, root)
    if schema.get("type") == "object" and "additionalProperties" not in schema:
        schema["additionalProperties"] = False
    if isinstance(schema.get("properties"), dict):
        schema["required"] = list(schema["properties"])
    _strict(schema.get("items"), root)
    for variant in schema.get("anyOf", []):
        _strict(variant, root)
    if isinstance(schema.get("allOf"), list):
        if len(schema["allOf"]) == 1:
            schema.update(_strict(schema.pop("allOf")[0], root))
        else:
            for part in schema["allOf"]:
                _strict(part, root)
    if schema.get("default", 0) is None:
        del schema["default"]
    if "$ref" in schema and len(schema) > 1:  # strict mode allows nothing beside a reference
        target = root
        for name in schema.pop("$ref")[2:].split("/"):
            target = target[name]
        schema.update({**target, **schema})
        return _strict(schema, root)
    return schema


# ---- chat completions ----


def pydantic_function_tool(model: Any, *, name: Optional[str] = None, description: Optional[str] = None) -> Dict[str, Any]:
    """A tool whose arguments are a pydantic model; parse() reads them into it."""
    function = Function(name=name or model.__name__, strict=True, parameters=strict_schema(model))
    function.model = model
    if description or model.__doc__:
        function["description"] = description or inspect.cleandoc(model.__doc__)
    return {"type": "function", "function": function}


class Function(Dict[str, Any]):
    """A function of tools that knows the type of its arguments."""

    model: Any


def response_format(kind: Any) -> Any:
    """What response_format is sent as: the schema of a type; else as it was given."""
    if not _is_type(kind):
        return kind
    return {"type": "json_schema", "json_schema": {"schema": strict_schema(kind), "name": kind.__name__, "strict": True}}


def _tools_of(tools: Any) -> Dict[str, Any]:
    found = {}
    for tool in () if tools is None or isinstance(tools, (NotGiven, Omit)) else tools:
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if isinstance(function, Function):
            found[function["name"]] = function.model
    return found


def read_completion(completion: ParsedChatCompletion, kind: Any, tools: Any) -> ParsedChatCompletion:
    """Fills in `parsed` and `parsed_arguments`. Raises where an answer ended before it was whole."""
    known = _tools_of(tools)
    for choice in completion.choices:
        if choice.finish_reason == "length":
            raise LengthFinishReasonError(completion=completion)
        if choice.finish_reason == "content_filter":
            raise ContentFilterFinishReasonError()
        message = choice.message
        message.parsed = None
        if _is_type(kind) and message.content and not message.refusal:
            message.parsed = _adapter(kind).validate_json(message.content)
        for call in message.tool_calls or []:
            if call.function is not None:
                model, arguments = known.get(call.function.name), call.function.arguments
                call.function.parsed_arguments = None if model is None else _adapter(model).validate_json(arguments)
    return completion


# ---- responses ----


def text_format(kind: Any, text: Any) -> Dict[str, Any]:
    """What `text` is sent as."""
    form = {"type": "json_schema", "strict": True, "name": kind.__name__, "schema": strict_schema(kind)}
    return {**(text or {}), "format": form}


def read_response(response: ParsedResponse, kind: Any) -> ParsedResponse:
    text = response.output_text
    response.output_parsed = _adapter(kind).validate_json(text) if text else None
    return response

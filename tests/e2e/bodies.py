"""Answers of OpenAI's form for scripts of the upstream."""

USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


def completion(content="Hello there.", *, model="gpt-test", usage=USAGE, **over):
    """A plain chat completion."""
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content, "refusal": None},
                     "logprobs": None, "finish_reason": "stop"}],
        "usage": usage, "system_fingerprint": "fp_1", **over,
    }


def chunk(delta=None, *, finish=None, index=0, model="gpt-test", **over):
    """One chunk of a streamed chat completion. delta: text, or the delta object."""
    delta = {"content": delta} if isinstance(delta, str) else delta or {}
    return {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": model,
        "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}], **over,
    }


def usage_chunk(usage=USAGE, model="gpt-test"):
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": model,
            "choices": [], "usage": usage}


def stream(*words, usage=None, finish="stop", model="gpt-test"):
    """The chunks of a streamed answer: the role, a chunk per word, the finish; with usage, the usage chunk and
    usage: null in the others, as OpenAI does."""
    extra = {} if usage is None else {"usage": None}
    chunks = [chunk({"role": "assistant", "content": ""}, model=model, **extra)]
    chunks += [chunk(word, model=model, **extra) for word in words]
    chunks.append(chunk(finish=finish, model=model, **extra))
    return chunks if usage is None else chunks + [usage_chunk(usage, model)]


def text_of(events):
    """The content of the events of a stream, joined."""
    return "".join(c["delta"].get("content") or "" for e in events if isinstance(e, dict)
                   for c in e.get("choices", []))

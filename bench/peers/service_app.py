"""A chat service as tutorials have it, for bench/run peers: one route that checks a message, asks the model through the official SDK,
tries again where that may help, and answers with what was said. The SDK is the synchronous one, called from a coroutine: so the
service answers one call after another, and that is what is measured."""

import os
import random
import time

import openai
from fastapi import FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel, Field, field_validator

RETRIES = 3
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
client = openai.OpenAI(api_key=os.environ["OPENAI_API_KEY"], max_retries=0)


class Ask(BaseModel):
    message: str = Field(max_length=10_000)
    max_tokens: int = Field(1000, ge=1, le=4000)
    temperature: float = Field(0.7, ge=0, le=2)
    model: str = "gpt-3.5-turbo"

    @field_validator("message")
    @classmethod
    def has_something_to_say(cls, message):
        if not message.strip():
            raise ValueError("the message is empty")
        return message.strip()


def may_help(error):
    """Whether the same call may succeed later."""
    status = getattr(error, "status_code", None)
    return status is None or status == 429 or status >= 500


def complete(ask):
    for attempt in range(RETRIES + 1):
        try:
            answer = client.chat.completions.create(model=ask.model, max_tokens=ask.max_tokens, temperature=ask.temperature,
                                                    messages=[{"role": "user", "content": ask.message}])
            return answer.choices[0].message.content
        except openai.APIError as error:
            if attempt == RETRIES or not may_help(error):
                raise
            time.sleep(2**attempt + random.random())


@app.post("/chat")
async def chat(ask: Ask):
    try:
        return {"response": complete(ask)}
    except openai.APIError as error:
        raise HTTPException(status_code=500, detail=str(error))


@app.get("/health")
async def health():
    return {"status": "healthy"}

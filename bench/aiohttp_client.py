#!/usr/bin/env python3
"""The other side of `bench/run batch`: many completions at a time with aiohttp, in the way that is usually shown for it.

A semaphore bounds the calls under way, one session is shared, every call is a task, all of them made at once and gathered. An
answer comes to its text, anything else to an exception. There are no retries, no files of results and no way to go on.

Usage: aiohttp_client.py URL INPUT CONCURRENCY     INPUT: a line {"messages": [...]} for each call
Prints {"answered": N, "failed": N}.
"""

import asyncio
import json
import sys

import aiohttp


class AsyncChatGPTClient:
    def __init__(self, api_key, max_concurrent=5, base_url="https://api.openai.com/v1"):
        self.api_key = api_key
        self.base_url = base_url
        self.semaphore = asyncio.Semaphore(max_concurrent)
        self.session = None

    async def __aenter__(self):
        self.session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, kind, value, traceback):
        if self.session:
            await self.session.close()

    async def async_completion(self, messages, **options):
        async with self.semaphore:
            headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
            data = {
                "model": options.get("model", "gpt-3.5-turbo"),
                "messages": messages,
                "max_tokens": options.get("max_tokens", 1000),
                "temperature": options.get("temperature", 0.7),
            }
            async with self.session.post(f"{self.base_url}/chat/completions", headers=headers, json=data) as response:
                if response.status == 200:
                    answer = await response.json()
                    return answer["choices"][0]["message"]["content"]
                raise Exception(f"API error {response.status}: {await response.text()}")

    async def batch_completions(self, message_batches):
        """All of them, as many at a time as the semaphore lets; failures come back as exceptions among the texts."""
        tasks = [self.async_completion(messages) for messages in message_batches]
        return await asyncio.gather(*tasks, return_exceptions=True)


async def main(url, path, concurrency):
    with open(path) as lines:
        batches = [json.loads(line)["messages"] for line in lines]
    async with AsyncChatGPTClient("sk-bench", concurrency, url) as client:
        found = await client.batch_completions(batches)
    failed = sum(isinstance(one, BaseException) for one in found)
    print(json.dumps({"answered": len(found) - failed, "failed": failed}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

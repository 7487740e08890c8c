"""The to-do service in FastAPI, as its tutorial would write it: what main.rs must not be told from.

    pip install fastapi uvicorn
    uvicorn original:app --port 8001
    python3 check.py http://127.0.0.1:8001
"""

from itertools import count
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, Field

app = FastAPI(title="To-do")


class NewTodo(BaseModel):
    title: str = Field(min_length=1, max_length=20)
    done: bool = False


class Todo(NewTodo):
    id: int


class Filter(BaseModel):
    done: bool | None = None
    limit: int = Field(default=10, ge=1, le=100)


todos: dict[int, Todo] = {}
numbers = count(1)


def find(id: int) -> Todo:
    if id not in todos:
        raise HTTPException(404, "no such to-do")
    return todos[id]


@app.get("/todos")
async def list_todos(filter: Annotated[Filter, Query()]) -> list[Todo]:
    found = [todo for todo in todos.values() if filter.done in (None, todo.done)]
    return found[: filter.limit]


@app.post("/todos", status_code=201)
async def create(new: NewTodo) -> Todo:
    todo = Todo(id=next(numbers), **new.model_dump())
    todos[todo.id] = todo
    return todo


@app.get("/todos/{id}")
async def read(id: int) -> Todo:
    return find(id)


@app.put("/todos/{id}")
async def replace(id: int, new: NewTodo) -> Todo:
    find(id)
    todos[id] = Todo(id=id, **new.model_dump())
    return todos[id]


@app.delete("/todos/{id}", status_code=204)
async def delete(id: int) -> None:
    find(id)
    del todos[id]

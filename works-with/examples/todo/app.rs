//! The service: its types, its state, its handlers.

use crate::detail::Failure;
use crate::extract::{Body, Path, Query};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use utoipa::{IntoParams, OpenApi, ToSchema};
use utoipa_swagger_ui::SwaggerUi;
use validator::Validate;

#[derive(Clone, Deserialize, ToSchema, Validate)]
pub(crate) struct NewTodo {
    #[validate(length(min = 1, max = 20))]
    #[schema(min_length = 1, max_length = 20)]
    title: String,
    #[serde(default)]
    done: bool,
}

#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Todo {
    id: i64,
    title: String,
    done: bool,
}

#[derive(Deserialize, IntoParams, Validate)]
pub(crate) struct Filter {
    done: Option<bool>,
    #[serde(default = "ten")]
    #[validate(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100, default = 10)]
    limit: i64,
}

fn ten() -> i64 {
    10
}

/// What all handlers share: FastAPI's global, or what a dependency gives.
#[derive(Clone, Default)]
struct Todos(Arc<Mutex<Store>>);

#[derive(Default)]
struct Store {
    last: i64,
    all: BTreeMap<i64, Todo>,
}

impl Todos {
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.lock().expect("no handler panics with it")
    }
}

fn no_such() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "no such to-do")
}

#[utoipa::path(get, path = "/todos", params(Filter), responses((status = 200, body = [Todo])))]
async fn list(State(todos): State<Todos>, Query(filter): Query<Filter>) -> Json<Vec<Todo>> {
    let todos = todos.lock();
    let wanted = |todo: &&Todo| filter.done.is_none_or(|done| done == todo.done);
    let found = todos
        .all
        .values()
        .filter(wanted)
        .take(filter.limit as usize);
    Json(found.cloned().collect())
}

#[utoipa::path(
    post,
    path = "/todos",
    request_body = NewTodo,
    responses((status = 201, body = Todo), (status = 422, body = Failure))
)]
async fn create(State(todos): State<Todos>, Body(new): Body<NewTodo>) -> (StatusCode, Json<Todo>) {
    let mut todos = todos.lock();
    todos.last += 1;
    let id = todos.last;
    let NewTodo { title, done } = new;
    let todo = Todo { id, title, done };
    todos.all.insert(id, todo.clone());
    (StatusCode::CREATED, Json(todo))
}

#[utoipa::path(get, path = "/todos/{id}", params(("id" = i64, Path)), responses((status = 200, body = Todo)))]
async fn read(State(todos): State<Todos>, Path(id): Path<i64>) -> Result<Json<Todo>, Failure> {
    let todos = todos.lock();
    todos.all.get(&id).cloned().map(Json).ok_or_else(no_such)
}

#[utoipa::path(
    put,
    path = "/todos/{id}",
    params(("id" = i64, Path)),
    request_body = NewTodo,
    responses((status = 200, body = Todo), (status = 422, body = Failure))
)]
async fn replace(
    State(todos): State<Todos>,
    Path(id): Path<i64>,
    Body(new): Body<NewTodo>,
) -> Result<Json<Todo>, Failure> {
    let mut todos = todos.lock();
    let todo = todos.all.get_mut(&id).ok_or_else(no_such)?;
    (todo.title, todo.done) = (new.title, new.done);
    Ok(Json(todo.clone()))
}

#[utoipa::path(delete, path = "/todos/{id}", params(("id" = i64, Path)), responses((status = 204)))]
async fn delete(State(todos): State<Todos>, Path(id): Path<i64>) -> Result<StatusCode, Failure> {
    let removed = todos.lock().all.remove(&id);
    removed.map(|_| StatusCode::NO_CONTENT).ok_or_else(no_such)
}

#[derive(OpenApi)]
#[openapi(info(title = "To-do"), paths(list, create, read, replace, delete))]
struct Document;

/// The routes, `/openapi.json`, and its page at `/docs`, whose files are in the program.
pub(crate) fn app() -> Router {
    Router::new()
        .route("/todos", get(list).post(create))
        .route("/todos/{id}", get(read).put(replace).delete(delete))
        .method_not_allowed_fallback(|| async {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .fallback(|| async { Failure::new(StatusCode::NOT_FOUND, "Not Found") })
        .with_state(Todos::default())
        .merge(SwaggerUi::new("/docs").url("/openapi.json", Document::openapi()))
}

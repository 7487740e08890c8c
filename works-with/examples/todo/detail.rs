//! Errors as FastAPI writes them: `{"detail": "no such to-do"}`, or under 422 a list of what is wrong with the request.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// What a handler fails with: FastAPI's `HTTPException`, or its `RequestValidationError`.
#[derive(Debug, ToSchema)]
pub(crate) struct Failure {
    #[schema(ignore)]
    pub(crate) status: StatusCode,
    #[schema(value_type = Object)]
    pub(crate) detail: Value,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, detail: &str) -> Failure {
        let detail = detail.into();
        Failure { status, detail }
    }

    /// 422, with one error per item.
    pub(crate) fn invalid(errors: Vec<Value>) -> Failure {
        Failure {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: errors.into(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "detail": self.detail }))).into_response()
    }
}

/// One error: where it is, its text, its kind.
pub(crate) fn error(place: &str, path: &[Value], message: &str, kind: &str) -> Value {
    let loc: Vec<Value> = [&[place.into()], path].concat();
    json!({ "loc": loc, "msg": message, "type": kind })
}

//! What a handler fails with, as FastAPI writes it: `{"detail": "no such to-do"}`, or under 422 a list of faults.

use crate::fault::Fault;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// FastAPI's `HTTPException`, or its `RequestValidationError`.
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

    /// 422, for what is wrong within the body, the query or the path.
    pub(crate) fn invalid(place: &str, faults: Vec<Fault>) -> Failure {
        let faults = faults.into_iter();
        Failure {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: faults
                .map(|fault| fault.inside(place.into()).told())
                .collect(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "detail": self.detail }))).into_response()
    }
}

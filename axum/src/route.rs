//! Which route a request has matched, for who hears of its end.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use filch::http::Route;

/// Middleware that notes the route of each request, such as `/users/{id}`, for
/// [`RequestDone::route`](filch::http::RequestDone::route).
///
/// Give it to `axum::middleware::from_fn`, and that to `Router::route_layer`: [`on_request`](crate::Serve::on_request)
/// shows it. Of a request whose handler never answered, since its client went, the route is not known.
// The one `async fn` here: `from_fn` takes a function, and nobody else ever holds its future.
pub async fn matched_route(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let route = path.map(|path| Route::new(path.as_str()));
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

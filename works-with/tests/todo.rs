//! The example `todo` answers the requests that its list has as the list says, as FastAPI's original does.

#[path = "../examples/todo/app.rs"]
mod app;
#[path = "../examples/todo/detail.rs"]
mod detail;
#[path = "../examples/todo/extract.rs"]
mod extract;

use filch::http::{Request, Response, StatusCode, TestClient, header, test_client};
use serde_json::{Map, Value, json};

type Answer = Response<filch::http::Body>;

fn requests() -> Vec<Value> {
    serde_json::from_str(include_str!("../examples/todo/requests.json")).expect("JSON")
}

/// The bytes of a request of the list.
fn body_of(request: &Value) -> String {
    match (&request["text"], request.get("json")) {
        (Value::String(text), _) => text.clone(),
        (_, Some(json)) => json.to_string(),
        _ => String::new(),
    }
}

async fn ask(client: &TestClient, request: &Value) -> Answer {
    let (method, path) = request["ask"].as_str().unwrap().split_once(' ').unwrap();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body_of(request).into())
        .unwrap();
    client.request(request).await.unwrap()
}

/// What the list says of an answer, of this one.
fn seen(request: &Value, status: StatusCode, answer: &Value) -> Value {
    let mut seen = json!({ "status": status.as_u16() });
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    if request.get("errors").is_some() {
        let errors = list(&answer["detail"]);
        assert!(!errors.is_empty() && errors.iter().all(|error| error["msg"].is_string()));
        let without_text = |error: &Value| json!({ "loc": error["loc"], "type": error["type"] });
        seen["errors"] = errors.iter().map(without_text).collect();
    } else if request.get("paths").is_some() {
        let methods = |methods: &Value| -> Value {
            let mut names: Vec<_> = methods.as_object().unwrap().keys().cloned().collect();
            names.sort();
            json!(names)
        };
        let paths = answer["paths"].as_object().unwrap();
        let paths = paths.iter().map(|(path, at)| (path.clone(), methods(at)));
        seen["paths"] = paths.collect::<Map<_, _>>().into();
    } else if !answer.is_null() {
        seen["answer"] = answer.clone();
    }
    seen
}

#[filch::test]
async fn every_request_of_the_list_is_answered_as_it_says() {
    let client = test_client(app::app());
    for request in requests() {
        let answer = ask(&client, &request).await;
        let status = answer.status();
        let text = answer.into_body().text(1 << 20).await.unwrap();
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        let mut expected = request.clone();
        for asked in ["ask", "json", "text"] {
            expected.as_object_mut().unwrap().remove(asked);
        }
        assert_eq!(
            seen(&request, status, &answer),
            expected,
            "{}: {text}",
            request["ask"]
        );
    }
}

#[filch::test]
async fn the_page_of_the_api_comes_out_of_the_program() {
    let client = test_client(app::app());
    for file in [
        "/docs/",
        "/docs/swagger-ui.css",
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-initializer.js",
    ] {
        let answer = client.get(file).await.unwrap();
        assert_eq!(answer.status(), 200, "{file}");
        let text = answer.into_body().text(8 << 20).await.unwrap();
        assert!(
            !text.contains("src=\"http") && !text.contains("href=\"http"),
            "{file} asks another host"
        );
    }
}

//! The example `todo` answers the requests that its list has as the list says, as FastAPI's original does.

#[path = "../examples/todo/app.rs"]
mod app;
#[path = "../examples/todo/detail.rs"]
mod detail;
#[path = "../examples/todo/extract.rs"]
mod extract;
#[path = "../examples/todo/fault.rs"]
mod fault;
#[path = "../examples/todo/input.rs"]
mod input;

use filch::http::{Request, StatusCode, TestClient, header, test_client};
use serde_json::{Map, Value, json};

fn requests() -> Vec<Value> {
    serde_json::from_str(include_str!("../examples/todo/requests.json")).expect("JSON")
}

/// The bytes of a request of the list.
fn body_of(request: &Value) -> String {
    match (request["text"].as_str(), request.get("json")) {
        (Some(text), _) => text.into(),
        (_, Some(json)) => json.to_string(),
        _ => String::new(),
    }
}

async fn ask(client: &TestClient, request: &Value) -> (StatusCode, Value) {
    let (method, path) = request["ask"].as_str().unwrap().split_once(' ').unwrap();
    let kind = request["kind"].as_str().unwrap_or("application/json");
    let body = body_of(request).into();
    let builder = Request::builder().method(method).uri(path);
    let request = builder
        .header(header::CONTENT_TYPE, kind)
        .body(body)
        .unwrap();
    let answer = client.request(request).await.unwrap();
    let status = answer.status();
    let text = answer.into_body().text(1 << 20).await.unwrap();
    let answer = if text.is_empty() { "null" } else { &text };
    (status, serde_json::from_str(answer).unwrap())
}

/// What a list's entry says of an answer, of this one.
fn seen(request: &Value, status: StatusCode, mut answer: Value) -> Value {
    let mut seen = request.clone();
    seen["status"] = status.as_u16().into();
    // What is wrong with a text that is no JSON, each parser says in its own words.
    if answer["detail"][0]["type"] == "json_invalid" {
        answer["detail"][0]["ctx"] = json!(["error"]);
    }
    if request.get("paths").is_some() {
        let paths = answer["paths"].as_object().unwrap();
        let paths = paths.iter().map(|(path, at)| (path.clone(), methods(at)));
        seen["paths"] = paths.collect::<Map<_, _>>().into();
    } else if !answer.is_null() || request.get("answer").is_some() {
        seen["answer"] = answer;
    }
    seen
}

/// What the page of the API asks for, by method: the parameters' names, and a body.
fn methods(at: &Value) -> Value {
    let methods = at.as_object().unwrap().iter();
    let asked = methods.map(|(name, method)| {
        let parameters = method["parameters"].as_array().into_iter().flatten();
        let mut asked: Vec<_> = parameters
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        asked.sort();
        asked.extend(method.get("requestBody").map(|_| "body"));
        (name.clone(), json!(asked))
    });
    asked.collect::<Map<_, _>>().into()
}

#[filch::test]
async fn every_request_of_the_list_is_answered_as_it_says() {
    let client = test_client(app::app());
    for request in requests() {
        let (status, answer) = ask(&client, &request).await;
        assert_eq!(seen(&request, status, answer), request);
    }
}

#[filch::test]
async fn a_body_that_is_no_text_is_a_bad_request() {
    let client = test_client(app::app());
    let request = Request::post("/todos").header(header::CONTENT_TYPE, "application/json");
    let request = request
        .body(b"{\"title\": \"\xff\"}".to_vec().into())
        .unwrap();
    assert_eq!(client.request(request).await.unwrap().status(), 400);
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

/// What the list does not ask for: nested types, enums, and each rule.
mod readings {
    use super::fault::broken_rules;
    use super::input::{Input, Params};
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};
    use validator::Validate;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Order {
        #[validate(length(min = 1, max = 2), nested)]
        items: Vec<Item>,
        state: Option<State>,
        #[validate(range(exclusive_min = 0.0, exclusive_max = 1.0))]
        discount: Option<f32>,
    }

    /// validator wants a list's items to be `Serialize`.
    #[derive(Debug, Deserialize, Serialize, Validate)]
    struct Item {
        #[validate(range(min = 1, max = 9))]
        count: u8,
        #[serde(default)]
        #[validate(email)]
        to: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum State {
        Open,
        Paid,
        Sent,
    }

    /// The faults of this order, without their texts.
    fn faults(order: Value) -> Value {
        let input = Input::Json(&order);
        let faults = match Order::deserialize(input) {
            Ok(order) => match order.validate() {
                Ok(()) => Vec::new(),
                Err(errors) => broken_rules(&errors, Some(input)),
            },
            Err(fault) => vec![fault],
        };
        let told = faults.into_iter().map(|fault| fault.told());
        told.map(|told| json!([told["type"], told["loc"], told["input"], told["ctx"]]))
            .collect()
    }

    #[test]
    fn a_fault_says_where_it_is_and_what_was_there() {
        let item = json!({ "count": 1 });
        for (order, expected) in [
            (json!({ "items": [item] }), json!([])),
            (
                json!({ "items": [{ "count": "2" }], "state": "paid", "discount": "0.5" }),
                json!([]),
            ),
            (
                json!({ "items": {} }),
                json!([["list_type", ["items"], {}, null]]),
            ),
            (
                json!({ "items": [item, {}] }),
                json!([["missing", ["items", 1, "count"], {}, null]]),
            ),
            (
                json!({ "items": [{ "count": 1.5 }] }),
                json!([["int_from_float", ["items", 0, "count"], 1.5, null]]),
            ),
            (
                json!({ "items": [{ "count": 256 }] }),
                json!([["less_than_equal", ["items", 0, "count"], 256, { "le": 255 }]]),
            ),
            (
                json!({ "items": [{ "count": "-1" }] }),
                json!([["greater_than_equal", ["items", 0, "count"], "-1", { "ge": 0 }]]),
            ),
            (
                json!({ "items": [{ "count": null }] }),
                json!([["int_type", ["items", 0, "count"], null, null]]),
            ),
            (
                json!({ "items": [item], "discount": "half" }),
                json!([["float_parsing", ["discount"], "half", null]]),
            ),
            (
                json!({ "items": [item], "state": "lost" }),
                json!([["enum", ["state"], "lost", { "expected": "'open', 'paid' or 'sent'" }]]),
            ),
            (
                json!({ "items": [item], "name": 1 }),
                json!([["extra_forbidden", ["name"], 1, null]]),
            ),
            // Rules, all of them.
            (
                json!({ "items": [], "discount": 1 }),
                json!([
                    ["less_than", ["discount"], 1, { "lt": 1 }],
                    ["too_short", ["items"], [], { "field_type": "List", "min_length": 1, "actual_length": 0 }],
                ]),
            ),
            (
                json!({ "items": [{ "count": 0 }, { "count": 10, "to": "me" }], "discount": 0 }),
                json!([
                    ["greater_than", ["discount"], 0, { "gt": 0 }],
                    ["greater_than_equal", ["items", 0, "count"], 0, { "ge": 1 }],
                    ["less_than_equal", ["items", 1, "count"], 10, { "le": 9 }],
                    ["value_error", ["items", 1, "to"], "me", { "error": {} }],
                ]),
            ),
        ] {
            assert_eq!(faults(order.clone()), expected, "{order}");
        }
    }

    #[test]
    fn a_parameter_that_stands_there_twice_is_its_last_or_a_list() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Filter {
            tag: Vec<String>,
            limit: u8,
        }
        let list = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect::<Vec<_>>();
        let mut params = Params::new();
        params.insert("tag".into(), list(&["a", "b"]));
        params.insert("limit".into(), list(&["1", "2"]));
        let filter = Filter::deserialize(Input::Params(&params)).unwrap();
        assert_eq!(
            filter,
            Filter {
                tag: vec!["a".into(), "b".into()],
                limit: 2
            }
        );
        params.remove("limit");
        let fault = Filter::deserialize(Input::Params(&params))
            .unwrap_err()
            .told();
        assert_eq!(fault["loc"], json!(["limit"]));
    }
}

//! curl as a client. Where it is not installed its test says so, and counts as skipped.

use super::raw::{LONG, Running, echo, serve};
use filch::http::Limits;
use filch::process::{Command, Stdio};

/// What curl says of a path of the server: the body, the status and the version of HTTP. None if there is no curl.
async fn curl(server: &Running, path: &str, options: &[&str]) -> Option<String> {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--noproxy", "*"])
        .args(options);
    command.args(["--write-out", " %{http_code} %{http_version}"]);
    command
        .arg(format!("http://{}{path}", server.address))
        .stdin(Stdio::null());
    let output = match command.output().await {
        Ok(output) => output,
        Err(_) => {
            eprintln!("SKIPPED: curl is not installed");
            return None;
        }
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{options:?}: {errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[filch::test]
async fn curl_speaks_both_versions() {
    let server = serve(Limits::default().body(1000), LONG, echo).await;
    let large = "x".repeat(2000);
    for (path, options, said) in [
        ("/one", &["--http1.1"][..], "GET /one  200 1.1"),
        ("/zero", &["--http1.0"], "GET /zero  200 1"),
        ("/two", &["--http2-prior-knowledge"], "GET /two  200 2"),
        ("/post", &["--data", "body"], "POST /post body 200 1.1"),
        (
            "/post",
            &["--http2-prior-knowledge", "--data", "body"],
            "POST /post body 200 2",
        ),
        (
            "/chunks",
            &["--header", "transfer-encoding: chunked", "--data", "body"],
            "POST /chunks body 200 1.1",
        ),
        (
            "/expect",
            &["--header", "expect: 100-continue", "--data", "body"],
            "POST /expect body 200 1.1",
        ),
        ("/large", &["--data", &large], " 413 1.1"),
    ] {
        match curl(&server, path, options).await {
            Some(found) => assert_eq!(found, said, "{options:?}"),
            None => return,
        }
    }
}

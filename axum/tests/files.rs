//! `ServeDir`.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use filch_axum::files::ServeDir;
use std::fs;
use std::path::PathBuf;
use tower_service::Service;

/// A directory with a secret beside it, which is gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("filch-axum-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("public/inner")).unwrap();
        fs::write(folder.join("secret.txt"), "secret").unwrap();
        fs::write(folder.join("public/a b.txt"), "0123456789").unwrap();
        fs::write(folder.join("public/empty.css"), "").unwrap();
        fs::write(folder.join("public/index.html"), "index").unwrap();
        fs::write(folder.join("public/inner/index.html"), "inner").unwrap();
        fs::write(folder.join("public/large.bin"), vec![7; 200_000]).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn ask(
    folder: &Folder,
    method: &str,
    path: &str,
    more: &[(&str, &str)],
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut app = Router::<()>::new().fallback_service(ServeDir::new(folder.0.join("public")));
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let answer = app
        .call(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (head, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (head.status, head.headers, body.to_vec())
}

#[filch::test]
async fn files_are_sent_with_their_kind_and_length() {
    let folder = Folder::new("kinds");
    for (path, kind, body) in [
        (
            "/a%20b.txt",
            "text/plain; charset=utf-8",
            &b"0123456789"[..],
        ),
        ("/empty.css", "text/css; charset=utf-8", b""),
        ("/", "text/html; charset=utf-8", b"index"),
        ("/inner/", "text/html; charset=utf-8", b"inner"),
        ("/inner/./index.html", "text/html; charset=utf-8", b"inner"),
        ("/large.bin", "application/octet-stream", &[7; 200_000]),
    ] {
        let (status, headers, sent) = ask(&folder, "GET", path, &[]).await;
        assert_eq!(
            (status, headers["content-type"].to_str().unwrap()),
            (StatusCode::OK, kind),
            "{path}"
        );
        assert_eq!(
            headers["content-length"].to_str().unwrap(),
            body.len().to_string(),
            "{path}"
        );
        assert!(sent == body, "{path}");
        let (status, headers, sent) = ask(&folder, "HEAD", path, &[]).await;
        assert_eq!((status, sent.len()), (StatusCode::OK, 0), "{path}");
        assert_eq!(
            headers["content-length"].to_str().unwrap(),
            body.len().to_string(),
            "{path}"
        );
    }
}

#[filch::test]
async fn nothing_above_the_directory_is_served() {
    let folder = Folder::new("above");
    for path in [
        "/../secret.txt",
        "/inner/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
        "/%00",
        "/%zz",
        "/%ff",
        "/no-such-file",
        "/a%20b.txt/more",
    ] {
        let (status, _, body) = ask(&folder, "GET", path, &[]).await;
        assert_eq!((status, body.len()), (StatusCode::NOT_FOUND, 0), "{path}");
    }
    let absolute = format!("/{}", folder.0.join("secret.txt").display());
    assert_eq!(
        ask(&folder, "GET", &absolute, &[]).await.0,
        StatusCode::NOT_FOUND
    );
}

#[filch::test]
async fn a_directory_is_asked_for_with_a_slash() {
    let folder = Folder::new("slash");
    let (status, headers, _) = ask(&folder, "GET", "/inner?q", &[]).await;
    assert_eq!(
        (status, headers["location"].to_str().unwrap()),
        (StatusCode::TEMPORARY_REDIRECT, "/inner/?q")
    );
    let (_, headers, _) = ask(&folder, "GET", "//inner", &[]).await;
    assert_eq!(headers["location"], "/inner/");
}

#[filch::test]
async fn other_methods_are_told_which_there_are() {
    let folder = Folder::new("methods");
    let (status, headers, _) = ask(&folder, "POST", "/", &[]).await;
    assert_eq!(
        (status, headers["allow"].to_str().unwrap()),
        (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD")
    );
}

#[filch::test]
async fn ranges_of_bytes_are_sent() {
    let folder = Folder::new("ranges");
    for (range, status, body, sent) in [
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=8-", 206, "89", "bytes 8-9/10"),
        ("bytes=-3", 206, "789", "bytes 7-9/10"),
        ("bytes=8-99", 206, "89", "bytes 8-9/10"),
        ("bytes=10-", 416, "", "bytes */10"),
        ("bytes=-0", 416, "", "bytes */10"),
        ("bytes=4-2", 200, "0123456789", ""),
        ("bytes=1-2,4-5", 200, "0123456789", ""),
        ("lines=1-2", 200, "0123456789", ""),
    ] {
        let (found, headers, bytes) = ask(&folder, "GET", "/a%20b.txt", &[("range", range)]).await;
        assert_eq!(
            (found.as_u16(), &bytes[..]),
            (status, body.as_bytes()),
            "{range}"
        );
        let field = headers
            .get("content-range")
            .map_or("", |field| field.to_str().unwrap());
        assert_eq!(field, sent, "{range}");
    }
}

#[filch::test]
async fn what_the_client_has_is_not_sent_again() {
    let folder = Folder::new("known");
    let (_, headers, _) = ask(&folder, "GET", "/a%20b.txt", &[]).await;
    let tag = headers["etag"].to_str().unwrap();
    for (field, value, status) in [
        ("if-none-match", tag, 304),
        ("if-none-match", "\"other\"", 200),
        ("if-none-match", "*", 304),
        ("if-match", tag, 200),
        ("if-match", "\"other\"", 412),
    ] {
        let (found, _, _) = ask(&folder, "GET", "/a%20b.txt", &[(field, value)]).await;
        assert_eq!(found.as_u16(), status, "{field}: {value}");
    }
    for (known, status) in [(tag, 206), ("\"other\"", 200)] {
        let more = [("range", "bytes=1-2"), ("if-range", known)];
        assert_eq!(
            ask(&folder, "GET", "/a%20b.txt", &more).await.0.as_u16(),
            status
        );
    }
    fs::write(folder.0.join("public/a b.txt"), "changed").unwrap();
    let (status, _, body) = ask(&folder, "GET", "/a%20b.txt", &[("if-none-match", tag)]).await;
    assert_eq!((status.as_u16(), &body[..]), (200, &b"changed"[..]));
}

//! `ServeDir` and `ServeFile`: tower-http's over filch's files.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use filch_axum::files::{FilchBackend, ServeDir, ServeFile};
use http_body::Body as _;
use std::fs;
use std::path::PathBuf;
use tower_service::Service;

/// A directory with a secret beside it, which is gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder =
            std::env::temp_dir().join(format!("filch-serve-dir-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("public/inner")).unwrap();
        fs::create_dir_all(folder.join("public/bare")).unwrap();
        fs::write(folder.join("secret.txt"), "secret").unwrap();
        fs::write(folder.join("public/digits.txt"), "0123456789").unwrap();
        fs::write(folder.join("public/digits.txt.gz"), "zipped").unwrap();
        fs::write(folder.join("public/digits.txt.br"), "brotli").unwrap();
        fs::write(folder.join("public/a b%.txt"), "odd").unwrap();
        fs::write(folder.join("public/empty.css"), "").unwrap();
        fs::write(folder.join("public/index.html"), "index").unwrap();
        fs::write(folder.join("public/inner/index.html"), "inner").unwrap();
        let large: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
        fs::write(folder.join("public/large.bin"), large).unwrap();
        Folder(folder)
    }

    fn app(&self) -> Router {
        let files = ServeDir::new(self.0.join("public"))
            .precompressed_gzip()
            .precompressed_br();
        Router::new().fallback_service(files)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

async fn ask(mut app: Router, method: &str, path: &str, more: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let (head, body) = app.call(request).await.unwrap().into_parts();
    Answer {
        status: head.status,
        headers: head.headers,
        body: axum::body::to_bytes(body, usize::MAX)
            .await
            .unwrap()
            .to_vec(),
    }
}

#[filch::test]
async fn a_file_comes_whole_with_its_type_length_and_time() {
    let folder = Folder::new("whole");
    let answer = ask(folder.app(), "GET", "/digits.txt", &[]).await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"0123456789"[..])
    );
    assert_eq!(answer.header("content-type"), "text/plain");
    assert_eq!(answer.header("content-length"), "10");
    assert!(answer.header("last-modified").ends_with("GMT"));
    let odd = ask(folder.app(), "GET", "/a%20b%25.txt", &[]).await;
    assert_eq!((odd.status, &odd.body[..]), (StatusCode::OK, &b"odd"[..]));
    let empty = ask(folder.app(), "GET", "/empty.css", &[]).await;
    assert_eq!((empty.status, empty.body.len()), (StatusCode::OK, 0));
    assert_eq!(empty.header("content-length"), "0");
    let large = ask(folder.app(), "GET", "/large.bin", &[]).await;
    assert_eq!(
        large.body,
        fs::read(folder.0.join("public/large.bin")).unwrap()
    );
}

#[filch::test]
async fn head_has_the_length_and_no_body() {
    let folder = Folder::new("head");
    let answer = ask(folder.app(), "HEAD", "/large.bin", &[]).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(answer.header("content-length"), "1000000");
}

#[filch::test]
async fn ranges_are_cut_out_of_the_file() {
    let folder = Folder::new("ranges");
    for (range, sent, told) in [
        ("bytes=0-3", &b"0123"[..], "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=8-100", b"89", "bytes 8-9/10"),
    ] {
        let answer = ask(folder.app(), "GET", "/digits.txt", &[("range", range)]).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(
            (&answer.body[..], answer.header("content-range")),
            (sent, told),
            "{range}"
        );
    }
    for range in ["bytes=10-", "bytes=5-2"] {
        let answer = ask(folder.app(), "GET", "/digits.txt", &[("range", range)]).await;
        assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        assert_eq!(answer.header("content-range"), "bytes */10");
    }
    // Several at once are refused, or the option sends everything.
    let several = [("range", "bytes=1-2,4-5")];
    let answer = ask(folder.app(), "GET", "/digits.txt", &several).await;
    assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE);
    let files = ServeDir::new(folder.0.join("public")).ignore_multi_range_requests(true);
    let app = Router::new().fallback_service(files);
    let answer = ask(app, "GET", "/digits.txt", &several).await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"0123456789"[..])
    );
    let far = ask(
        folder.app(),
        "GET",
        "/large.bin",
        &[("range", "bytes=999990-")],
    )
    .await;
    let large = fs::read(folder.0.join("public/large.bin")).unwrap();
    assert_eq!(far.body, large[999_990..]);
}

#[filch::test]
async fn conditions_on_the_time_are_kept() {
    let folder = Folder::new("conditions");
    let time = ask(folder.app(), "GET", "/digits.txt", &[]).await;
    let time = time.header("last-modified");
    let long_ago = "Thu, 01 Jan 1998 00:00:00 GMT";
    for (name, value, status) in [
        ("if-modified-since", time, StatusCode::NOT_MODIFIED),
        ("if-modified-since", long_ago, StatusCode::OK),
        ("if-unmodified-since", time, StatusCode::OK),
        (
            "if-unmodified-since",
            long_ago,
            StatusCode::PRECONDITION_FAILED,
        ),
    ] {
        let answer = ask(folder.app(), "GET", "/digits.txt", &[(name, value)]).await;
        assert_eq!(answer.status, status, "{name}: {value}");
        assert_eq!(
            answer.body.is_empty(),
            status != StatusCode::OK,
            "{name}: {value}"
        );
    }
}

#[filch::test]
async fn what_the_client_has_is_not_sent_again() {
    let folder = Folder::new("known");
    let first = ask(folder.app(), "GET", "/digits.txt", &[]).await;
    let tag = first.header("etag");
    for (field, value, status) in [
        ("if-none-match", tag, 304),
        ("if-none-match", "\"other\"", 200),
        ("if-none-match", "*", 304),
        ("if-match", tag.trim_start_matches("W/"), 200),
        ("if-match", "\"other\"", 412),
    ] {
        let answer = ask(folder.app(), "GET", "/digits.txt", &[(field, value)]).await;
        assert_eq!(answer.status.as_u16(), status, "{field}: {value}");
        assert_eq!(answer.body.is_empty(), status != 200, "{field}: {value}");
    }
    fs::write(folder.0.join("public/digits.txt"), "changed").unwrap();
    let answer = ask(
        folder.app(),
        "GET",
        "/digits.txt",
        &[("if-none-match", tag)],
    )
    .await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"changed"[..])
    );
}

/// What cannot be opened is no matter of the client's, unless the reason is that it may not.
#[cfg(unix)]
#[filch::test]
async fn a_file_that_cannot_be_read_is_an_error_and_no_panic() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new("unreadable");
    let circle = folder.0.join("public/circle");
    symlink(&circle, &circle).unwrap();
    let answer = ask(folder.app(), "GET", "/circle", &[]).await;
    assert_eq!(
        (answer.status, answer.body.len()),
        (StatusCode::INTERNAL_SERVER_ERROR, 0)
    );
    let closed = folder.0.join("public/digits.txt");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).unwrap();
    // Root may read it all the same.
    let expected = match fs::File::open(&closed) {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::NOT_FOUND,
    };
    let answer = ask(folder.app(), "GET", "/digits.txt", &[]).await;
    assert_eq!(answer.status, expected);
}

#[filch::test]
async fn one_file_is_served_for_every_path() {
    let folder = Folder::new("one");
    let public = folder.0.join("public");
    let app = |file| Router::<()>::new().fallback_service::<ServeFile>(file);
    for path in ["/", "/what/ever/", "/../x", "/digits.txt"] {
        let answer = ask(
            app(ServeFile::new(public.join("a b%.txt"))),
            "GET",
            path,
            &[],
        )
        .await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (StatusCode::OK, "text/plain"),
            "{path}"
        );
        assert_eq!(answer.body, b"odd", "{path}");
    }
    let odd = ServeFile::new_with_mime(public.join("digits.txt"), "text/odd").precompressed_gzip();
    let zipped = ask(app(odd.clone()), "GET", "/", &[("accept-encoding", "gzip")]).await;
    assert_eq!(
        (zipped.header("content-type"), &zipped.body[..]),
        ("text/odd", &b"zipped"[..])
    );
    let part = ask(app(odd), "GET", "/", &[("range", "bytes=2-3")]).await;
    assert_eq!(
        (part.status, &part.body[..]),
        (StatusCode::PARTIAL_CONTENT, &b"23"[..])
    );
    for missing in ["missing.txt", "inner", ".."] {
        let answer = ask(app(ServeFile::new(public.join(missing))), "GET", "/", &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{missing}");
    }
    // A program in the browser has paths of its own.
    let files = ServeDir::new(&public).fallback(ServeFile::new(public.join("index.html")));
    let answer = ask(
        Router::new().fallback_service(files),
        "GET",
        "/users/7",
        &[],
    )
    .await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"index"[..])
    );
}

#[filch::test]
async fn a_precompressed_file_goes_to_who_takes_it() {
    let folder = Folder::new("precompressed");
    for (accepts, encoding, body) in [
        ("gzip", "gzip", &b"zipped"[..]),
        ("br;q=1, gzip;q=0.5", "br", b"brotli"),
        ("zstd", "", b"0123456789"),
    ] {
        let accept = [("accept-encoding", accepts)];
        let answer = ask(folder.app(), "GET", "/digits.txt", &accept).await;
        assert_eq!(
            (answer.header("content-encoding"), &answer.body[..]),
            (encoding, body)
        );
        assert_eq!(answer.header("content-type"), "text/plain");
    }
    let none = ask(
        folder.app(),
        "GET",
        "/index.html",
        &[("accept-encoding", "gzip")],
    )
    .await;
    assert_eq!(
        (none.header("content-encoding"), &none.body[..]),
        ("", &b"index"[..])
    );
}

#[filch::test]
async fn a_directory_is_its_index() {
    let folder = Folder::new("index");
    assert_eq!(ask(folder.app(), "GET", "/", &[]).await.body, b"index");
    assert_eq!(
        ask(folder.app(), "GET", "/inner/", &[]).await.body,
        b"inner"
    );
    let without_slash = ask(folder.app(), "GET", "/inner", &[]).await;
    assert_eq!(without_slash.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(without_slash.header("location"), "/inner/");
    let bare = ask(folder.app(), "GET", "/bare/", &[]).await;
    assert_eq!(bare.status, StatusCode::NOT_FOUND);
}

#[filch::test]
async fn nothing_above_the_directory_is_served() {
    let folder = Folder::new("above");
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/inner/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
        "/%00",
        "/%ff",
        "/digits.txt/more",
    ] {
        let answer = ask(folder.app(), "GET", path, &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let posted = ask(folder.app(), "POST", "/digits.txt", &[]).await;
    assert_eq!(
        (posted.status, posted.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "GET,HEAD")
    );
}

#[filch::test]
async fn what_is_not_there_is_left_to_the_fallback() {
    let folder = Folder::new("fallback");
    let page = axum::routing::any(|| async { "the page" });
    let files = ServeDir::new(folder.0.join("public")).fallback(page.clone());
    let answer = ask(
        Router::new().fallback_service(files),
        "GET",
        "/nowhere",
        &[],
    )
    .await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"the page"[..])
    );
    let files = tower_http::services::ServeDir::with_backend(folder.0.join("public"), FilchBackend);
    let lost = Router::new().fallback_service(files.not_found_service(page));
    let answer = ask(lost, "GET", "/nowhere", &[]).await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::NOT_FOUND, &b"the page"[..])
    );
}

/// Files that this process has open below the folder.
#[cfg(target_os = "linux")]
fn open_below(folder: &Folder) -> usize {
    let fds = fs::read_dir("/proc/self/fd").unwrap();
    let paths = fds.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
    paths.filter(|path| path.starts_with(&folder.0)).count()
}

/// No matter how much of it was read.
#[cfg(target_os = "linux")]
#[filch::test]
async fn whoever_leaves_in_the_midst_closes_the_file() {
    let folder = Folder::new("leaves");
    let mut app = folder.app();
    let request = Request::get("/large.bin").body(Body::empty()).unwrap();
    let mut body = app.call(request).await.unwrap().into_body();
    let first = std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await;
    assert!(first.unwrap().unwrap().into_data().unwrap().len() < 1_000_000);
    assert_eq!(open_below(&folder), 1);
    drop(body);
    // A read that had begun closes it when it has ended.
    while open_below(&folder) > 0 {
        filch::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

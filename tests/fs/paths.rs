//! Functions on paths.

use crate::Folder;
use filch::fs;
use filch::stream::StreamExt;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;

#[filch::test]
async fn what_is_written_is_read_whatever_its_size() {
    let folder = Folder::new("sizes");
    for size in [0, 1, 4096, 65_535, 65_536, 65_537, 1_000_000] {
        let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        fs::write(folder.at("a"), &bytes).await.unwrap();
        assert_eq!(fs::read(folder.at("a")).await.unwrap(), bytes, "{size}");
    }
    fs::write(folder.at("a"), "Hello, World!").await.unwrap();
    assert_eq!(
        fs::read_to_string(folder.at("a")).await.unwrap(),
        "Hello, World!"
    );
    fs::write(folder.at("a"), [0xff]).await.unwrap();
    let error = fs::read_to_string(folder.at("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let error = fs::read(folder.at("none")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(fs::read(&folder).await.is_err(), "a directory");
    // A size of 0 is not always one.
    assert!(!fs::read("/proc/self/status").await.unwrap().is_empty());
}

#[filch::test]
async fn directories_are_made_listed_and_removed() {
    let folder = Folder::new("directories");
    fs::create_dir(folder.at("one")).await.unwrap();
    fs::create_dir_all(folder.at("two/three")).await.unwrap();
    assert!(fs::create_dir(folder.at("one")).await.is_err());
    for number in 0..100 {
        fs::write(folder.at(&format!("two/{number}")), "")
            .await
            .unwrap();
    }
    let mut entries = fs::read_dir(folder.at("two")).await.unwrap();
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await.unwrap() {
        let is_dir = entry.file_type().await.unwrap().is_dir();
        assert_eq!(is_dir, entry.file_name() == "three");
        assert_eq!(entry.metadata().await.unwrap().is_dir(), is_dir);
        names.push(entry.path());
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 101);
    let streamed = fs::read_dir(folder.at("two")).await.unwrap();
    assert_eq!(streamed.count().await, 101);
    fs::remove_dir(folder.at("one")).await.unwrap();
    assert!(fs::remove_dir(folder.at("two")).await.is_err());
    fs::remove_dir_all(folder.at("two")).await.unwrap();
    assert!(!fs::try_exists(folder.at("two")).await.unwrap());
}

#[filch::test]
async fn files_are_copied_linked_renamed_and_removed() {
    let folder = Folder::new("links");
    let (one, two, link) = (folder.at("one"), folder.at("two"), folder.at("link"));
    fs::write(&one, "hello").await.unwrap();
    fs::set_permissions(&one, fs::Permissions::from_mode(0o640))
        .await
        .unwrap();
    assert_eq!(fs::copy(&one, &two).await.unwrap(), 5);
    let mode = fs::metadata(&two).await.unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    fs::symlink(&one, &link).await.unwrap();
    assert_eq!(fs::read_link(&link).await.unwrap(), one);
    assert!(fs::symlink_metadata(&link).await.unwrap().is_symlink());
    assert_eq!(
        fs::canonicalize(&link).await.unwrap(),
        fs::canonicalize(&one).await.unwrap()
    );
    fs::hard_link(&one, folder.at("hard")).await.unwrap();
    assert!(fs::hard_link(&one, folder.at("hard")).await.is_err());
    fs::rename(&one, &two).await.unwrap();
    assert!(!fs::try_exists(&one).await.unwrap());
    assert_eq!(fs::read(folder.at("hard")).await.unwrap(), b"hello");
    fs::remove_file(&two).await.unwrap();
    assert!(!fs::try_exists(&two).await.unwrap());
}

#[filch::test]
async fn replace_keeps_permissions_and_leaves_nothing_beside() {
    let folder = Folder::new("replace");
    let path = folder.at("settings");
    fs::replace(&path, "one").await.unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
        .await
        .unwrap();
    fs::replace(&path, "two").await.unwrap();
    assert_eq!(fs::read_to_string(&path).await.unwrap(), "two");
    let mode = fs::metadata(&path).await.unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(fs::replace(folder.at("no/such"), "").await.is_err());
    assert_eq!(fs::read_dir(&folder).await.unwrap().count().await, 1);
}

#[test]
fn outside_of_a_runtime_it_is_an_error() {
    let error = futures::executor::block_on(fs::write("/nonexistent/a", "")).unwrap_err();
    assert!(error.to_string().contains("runtime"), "{error}");
}

//! What std has on files and directories beside reading and writing.

use crate::Folder;
use filch::fs::{self, DirBuilder, File, FileTimes, OpenOptions};
use filch::io::{AsyncReadExt, AsyncWriteExt};
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::{DirEntryExt, PermissionsExt};
use std::time::{Duration, SystemTime};

#[filch::test]
async fn directories_are_made_as_the_builder_says() {
    let folder = Folder::new("builder");
    let deep = folder.at("a").join("b");
    assert!(DirBuilder::new().create(&deep).await.is_err());
    DirBuilder::new()
        .recursive(true)
        .create(&deep)
        .await
        .unwrap();
    assert!(deep.is_dir());
    DirBuilder::new()
        .recursive(true)
        .create(&deep)
        .await
        .unwrap();
    assert!(DirBuilder::new().create(&deep).await.is_err());
    let closed = folder.at("closed");
    DirBuilder::new().mode(0o500).create(&closed).await.unwrap();
    let mode = std::fs::metadata(&closed).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o500);
}

#[filch::test]
async fn an_entry_knows_its_number() {
    let folder = Folder::new("number");
    fs::write(folder.at("a"), b"a").await.unwrap();
    let mut entries = fs::read_dir(&folder).await.unwrap();
    let entry = entries.next_entry().await.unwrap().unwrap();
    let std = std::fs::read_dir(&folder).unwrap().next().unwrap();
    assert_eq!(entry.ino(), std.unwrap().ino());
}

/// The write is made first, or the file would have the time of that.
#[filch::test]
async fn times_are_set_after_what_was_written() {
    let folder = Folder::new("times");
    let mut file = File::create(folder.at("a")).await.unwrap();
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let times = FileTimes::new().set_accessed(at(1_600_000_000));
    for round in 0..20 {
        let modified = at(1_500_000_000 + round);
        file.write_all(b"written before").await.unwrap();
        file.set_times(times.set_modified(modified)).await.unwrap();
        assert_eq!(file.metadata().await.unwrap().modified().unwrap(), modified);
    }
    file.set_modified(at(1_400_000_000)).await.unwrap();
    let found = file.metadata().await.unwrap();
    assert_eq!(found.modified().unwrap(), at(1_400_000_000));
    assert_eq!(found.accessed().unwrap(), at(1_600_000_000));
}

#[filch::test]
async fn files_come_from_descriptors_and_stds_options() {
    let folder = Folder::new("descriptors");
    std::fs::write(folder.at("a"), b"hello").unwrap();
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    let from_options = OpenOptions::from(options).open(folder.at("a"));
    let std = from_options.await.unwrap().into_std().await.unwrap();
    let owned = OwnedFd::from(std.try_clone().unwrap());
    // SAFETY: it is open, and given to nobody else.
    let raw = unsafe { File::from_raw_fd(std.into_raw_fd()) };
    let mut opened = File::options();
    let named = opened.read(true).open(folder.at("a")).await.unwrap();
    // The first two share a position, so the second finds the end.
    let files = [(raw, "hello"), (owned.into(), ""), (named, "hello")];
    for (mut file, expected) in files {
        let mut text = String::new();
        file.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, expected);
    }
}

//! Files that appear whole: written under another name, and then renamed.

use crate::fs::hop::Operation;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Names of temporary files are the process's.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Writes a file so that nobody ever sees a part of it: whoever opens it finds what was there before, or all of the
/// new contents, also after a crash of the program or of the machine.
///
/// The new contents are written beside it, brought to the disk, and renamed. A file that is replaced keeps its
/// permissions. If the program is killed in the midst, a file named `.NAME.PID-NUMBER.tmp` may be left.
///
/// ```
/// # filch::run(async {
/// # let folder = std::env::temp_dir().join(format!("filch-doc-{}", std::process::id()));
/// # filch::fs::create_dir_all(&folder).await?;
/// # let path = folder.join("settings");
/// filch::fs::replace(&path, "colour = green").await?;
/// assert_eq!(filch::fs::read_to_string(&path).await?, "colour = green");
/// # filch::fs::remove_dir_all(&folder).await?;
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// The system's; the file is then as it was. One that says so outside of a runtime.
///
/// # Cancel safety
/// Dropped, it is done as a whole or not at all.
#[track_caller]
pub fn replace(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Operation<()> {
    let contents = contents.as_ref().to_vec();
    Operation::new("replace", path, move |path| replace_now(path, &contents))
}

fn replace_now(path: &Path, contents: &[u8]) -> io::Result<()> {
    let (mut file, beside) = create_beside(path)?;
    let done = fill(&mut file, path, contents).and_then(|()| std::fs::rename(&beside, path));
    if done.is_err() {
        // What is left of it is worth less than the error.
        let _ = std::fs::remove_file(&beside);
        return done;
    }
    sync_parent(path)
}

fn fill(file: &mut File, path: &Path, contents: &[u8]) -> io::Result<()> {
    file.write_all(contents)?;
    if let Ok(present) = std::fs::metadata(path) {
        file.set_permissions(present.permissions())?;
    }
    file.sync_all()
}

/// A new file in the same directory.
fn create_beside(path: &Path) -> io::Result<(File, PathBuf)> {
    let Some(name) = path.file_name() else {
        let text = format!("{} is no name of a file", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    };
    loop {
        let number = NEXT.fetch_add(1, Relaxed);
        let name = format!(".{}.{}-{number}.tmp", name.to_string_lossy(), process::id());
        let beside = path.with_file_name(name);
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&beside)
        {
            // Left by another process of the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return Ok((opened?, beside)),
        }
    }
}

/// Brings the new name to the disk.
#[cfg(unix)]
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Directories cannot be opened there.
#[cfg(windows)]
fn sync_parent(_: &Path) -> io::Result<()> {
    Ok(())
}

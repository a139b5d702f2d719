//! `lambda-wasm package`: the zip that Lambda takes.

use std::fs::{self, File, FileTimes, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use zip::ZipArchive;

use crate::support::Folder;

/// A folder `dist` as the build leaves it, and a component in a folder of its own.
fn dist() -> Folder {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("dist/more")).unwrap();
    for (name, bytes, mode) in [
        ("dist/bootstrap", "an executable", 0o755),
        ("dist/hello.cwasm", "a component", 0o644),
        ("dist/more/data", "data", 0o644),
    ] {
        folder.write(name, bytes);
        fs::set_permissions(folder.path(name), Permissions::from_mode(mode)).unwrap();
    }
    folder
}

#[test]
fn every_file_is_in_it_and_bootstrap_is_executable() {
    let folder = dist();
    folder.succeed(&["package", "dist", "-o", "hello.zip"]);
    let mut zip = ZipArchive::new(File::open(folder.path("hello.zip")).unwrap()).unwrap();
    let entries: Vec<_> = (0..zip.len())
        .map(|index| {
            let mut entry = zip.by_index(index).unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let mode = entry.unix_mode().unwrap() & 0o777;
            (entry.name().to_owned(), mode, text)
        })
        .collect();
    let expected = [
        ("bootstrap", 0o755, "an executable"),
        ("hello.cwasm", 0o644, "a component"),
        ("more/data", 0o644, "data"),
    ]
    .map(|(name, mode, text)| (name.to_owned(), mode, text.to_owned()));
    assert_eq!(entries, expected);
}

#[test]
fn the_same_files_give_the_same_zip() {
    let folder = dist();
    folder.succeed(&["package", "dist", "-o", "first.zip"]);
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let file = File::options()
        .append(true)
        .open(folder.path("dist/bootstrap"))
        .unwrap();
    file.set_times(FileTimes::new().set_modified(an_hour_ago))
        .unwrap();
    folder.succeed(&["package", "dist", "-o", "second.zip"]);
    assert!(folder.read("first.zip") == folder.read("second.zip"));
    folder.write("dist/hello.cwasm", "another component");
    folder.succeed(&["package", "dist", "-o", "third.zip"]);
    assert!(folder.read("first.zip") != folder.read("third.zip"));
}

#[test]
fn a_zip_in_the_folder_does_not_end_up_in_itself() {
    let folder = dist();
    folder.succeed(&["package", "dist", "-o", "dist/hello.zip"]);
    let first = folder.read("dist/hello.zip");
    folder.succeed(&["package", "dist", "-o", "dist/hello.zip"]);
    assert!(folder.read("dist/hello.zip") == first);
}

#[test]
fn a_folder_without_bootstrap_is_refused() {
    let folder = dist();
    fs::remove_file(folder.path("dist/bootstrap")).unwrap();
    let said = folder.fail(&["package", "dist", "-o", "hello.zip"]);
    assert!(said.contains("dist has no file `bootstrap`"), "{said}");
    assert!(!folder.path("hello.zip").exists());
    let said = folder.fail(&["package", "absent", "-o", "hello.zip"]);
    assert!(said.contains("absent"), "{said}");
}

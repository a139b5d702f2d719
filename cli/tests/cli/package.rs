//! `lambda-wasm package`: the zip that Lambda takes.

use std::fs::{self, File, FileTimes, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use lambda_wasm_test_support::tools::skip;
use lambda_wasm_test_support::{built, full_bootstrap, root, small_bootstrap};
use zip::ZipArchive;

use crate::support::Folder;

/// A folder `dist` with a component in it, and a file in a folder of its own.
fn dist() -> Folder {
    let folder = Folder::with_component();
    fs::create_dir_all(folder.path("dist/more")).unwrap();
    folder.succeed(&["compile", "hello.wasm", "-o", "dist/hello.cwasm"]);
    folder.write("dist/bootstrap", "an executable");
    folder.write("dist/more/data", "data");
    folder
}

fn change_mode(folder: &Folder, name: &str, mode: u32) {
    fs::set_permissions(folder.path(name), Permissions::from_mode(mode)).unwrap();
}

/// The names and permissions of a zip's entries, and the bytes of one.
fn entries(folder: &Folder, zip: &str) -> (Vec<(String, u32)>, Vec<u8>) {
    let mut zip = ZipArchive::new(File::open(folder.path(zip)).unwrap()).unwrap();
    let mut bytes = Vec::new();
    zip.by_name("bootstrap")
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    let entries = (0..zip.len()).map(|index| {
        let entry = zip.by_index(index).unwrap();
        (entry.name().to_owned(), entry.unix_mode().unwrap() & 0o777)
    });
    (entries.collect(), bytes)
}

#[test]
fn permissions_are_those_that_lambda_needs_whatever_the_files_have() {
    let folder = dist();
    fs::create_dir(folder.path("dist/extensions")).unwrap();
    folder.write("dist/extensions/watch", "#!/bin/sh");
    folder.write("dist/tool", "#!/bin/sh");
    let expected = [
        ("bootstrap", 0o755),
        ("extensions/watch", 0o755),
        ("hello.cwasm", 0o644),
        ("more/data", 0o644),
        ("tool", 0o755),
    ]
    .map(|(name, mode)| (name.to_owned(), mode));
    for (data, program) in [(0o600, 0o644), (0o777, 0o700), (0o444, 0o600)] {
        for name in ["dist/bootstrap", "dist/extensions/watch"] {
            change_mode(&folder, name, program);
        }
        change_mode(&folder, "dist/tool", 0o700);
        change_mode(&folder, "dist/hello.cwasm", data);
        change_mode(&folder, "dist/more/data", data & 0o666);
        folder.succeed(&["package", "dist", "-o", "hello.zip"]);
        let (entries, bootstrap) = entries(&folder, "hello.zip");
        assert_eq!(entries, expected);
        assert_eq!(bootstrap, b"an executable");
    }
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
    folder.write("dist/more/data", "other data");
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
    assert!(
        said.contains("there is no dist/bootstrap, and this lambda-wasm has no built-in bootstrap"),
        "{said}"
    );
    let hint = "\nhint: name a bootstrap with --bootstrap: that of lambda-wasm-layer-….zip in a release, or one that ./build.sh builds in a clone\n";
    assert!(said.ends_with(hint), "{said}");
    assert!(!folder.path("hello.zip").exists());
    let said = folder.fail(&["package", "absent", "-o", "hello.zip"]);
    assert!(said.contains("absent"), "{said}");
}

/// Fails to package `dist`, and returns what was said. The zip of before stays.
#[track_caller]
fn refused(folder: &Folder) -> String {
    folder.write("old.zip", "the zip of before");
    let said = folder.fail(&["package", "dist", "-o", "old.zip"]);
    assert_eq!(folder.read("old.zip"), b"the zip of before");
    let left = fs::read_dir(folder.path("")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    let is_known = |name: &std::ffi::OsString| {
        ["dist", "hello.wasm", "old.zip", "template.yaml"]
            .iter()
            .any(|known| name == known)
    };
    assert!(left.iter().all(is_known), "{left:?}");
    said
}

#[test]
fn files_that_cannot_be_zipped_are_named_and_the_old_zip_stays() {
    let folder = dist();
    for (link, to) in [
        ("gone", "nowhere"),
        ("up", ".."),
        ("here", "."),
        ("round", "round"),
    ] {
        let path = folder.path(&format!("dist/more/{link}"));
        std::os::unix::fs::symlink(to, &path).unwrap();
        let said = refused(&folder);
        assert!(
            said.contains(&format!("dist/more/{link} is a link to ")),
            "{said}"
        );
        fs::remove_file(path).unwrap();
    }
    let socket = std::os::unix::net::UnixListener::bind(folder.path("dist/socket")).unwrap();
    let said = refused(&folder);
    assert!(
        said.contains("dist/socket is neither a file nor a directory"),
        "{said}"
    );
    drop(socket);
    fs::remove_file(folder.path("dist/socket")).unwrap();
    // A link to a file, and one to a directory elsewhere, are what they lead to.
    std::os::unix::fs::symlink("data", folder.path("dist/more/again")).unwrap();
    folder.succeed(&["package", "dist", "-o", "new.zip"]);
    let (entries, _) = entries(&folder, "new.zip");
    assert!(entries.contains(&("more/again".to_owned(), 0o644)));
}

#[test]
fn a_zip_that_cannot_be_completed_is_not_there() {
    let folder = dist();
    // Written to a device that is full, as far as anything can be.
    let said = folder.fail(&["package", "dist", "-o", "/dev/full"]);
    assert!(said.contains("/dev/full"), "{said}");
    assert!(
        Path::new("/dev/full")
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o111
            == 0
    );
    // A file with a size that nothing has room for: the limit of the process is reached first.
    let mut noise = vec![0_u8; 300_000];
    let mut state = 1_u32;
    for byte in &mut noise {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    folder.write("dist/noise", noise);
    folder.write("old.zip", "the zip of before");
    let tool = env!("CARGO_BIN_EXE_lambda-wasm");
    let script = format!("trap '' XFSZ; ulimit -f 100; exec {tool} package dist -o old.zip");
    let mut command = std::process::Command::new("sh");
    let output = command
        .args(["-c", &script])
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && said.contains("old.zip cannot be written"),
        "{said}"
    );
    assert_eq!(folder.read("old.zip"), b"the zip of before");
}

#[test]
fn a_package_that_lambda_cannot_run_is_refused() {
    let folder = dist();
    let good = folder.read("dist/hello.cwasm");
    let mut damaged = good.clone();
    damaged[5000] ^= 1;
    for (bytes, why) in [
        (&damaged[..], "is damaged"),
        (&good[..good.len() / 2], "does not have a trailer"),
        (b"", "is empty"),
        (b"tea", "is neither a compiled component nor WebAssembly"),
        (
            &folder.read("hello.wasm"),
            "is a WebAssembly component that is not compiled",
        ),
    ] {
        folder.write("dist/hello.cwasm", bytes);
        let said = refused(&folder);
        assert!(said.contains(&format!("dist/hello.cwasm {why}")), "{said}");
    }
    folder.write("dist/hello.cwasm", &good);
    folder.write("dist/hello.toml", "[limits]\nmemroy = \"1MiB\"\n");
    let said = refused(&folder);
    assert!(said.contains("dist/hello.toml, line 2"), "{said}");
    fs::remove_file(folder.path("dist/hello.toml")).unwrap();
    fs::remove_file(folder.path("dist/hello.cwasm")).unwrap();
    let said = refused(&folder);
    assert!(
        said.contains("dist does not contain a compiled component"),
        "{said}"
    );
}

#[test]
fn architectures_are_compared() {
    let folder = dist();
    let mut elf = [0_u8; 64];
    elf[..4].copy_from_slice(b"\x7fELF");
    elf[18] = 183;
    folder.write("dist/bootstrap", elf);
    folder.succeed(&[
        "compile",
        "hello.wasm",
        "-o",
        "dist/hello.cwasm",
        "--target",
        "x86_64-unknown-linux-gnu",
    ]);
    let said = refused(&folder);
    assert!(
        said.contains(
            "dist/hello.cwasm is compiled for x86_64, and dist/bootstrap is built for aarch64"
        ),
        "{said}"
    );
    elf[18] = 62;
    folder.write("dist/bootstrap", elf);
    let template = "Resources: {F: {Type: 'AWS::Serverless::Function', Properties: {Handler: hello, Architectures: [arm64], CodeUri: dist}}}";
    folder.write("template.yaml", template);
    let output = folder.run(&["package", "dist", "-o", "new.zip"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    let warning = "warning: dist/hello.cwasm is compiled for x86_64, and the template's function F has the architecture arm64";
    assert!(output.stderr.starts_with(warning), "{output:?}");
}

#[test]
fn a_package_over_lambdas_limits_is_told() {
    let folder = dist();
    let large = File::create(folder.path("dist/large")).unwrap();
    large.set_len(300_000_000).unwrap();
    let said = refused(&folder);
    assert!(
        said.contains("Lambda takes at most 250 MB: the largest is dist/large"),
        "{said}"
    );
}

/// The sizes to deploy, with a little room for the next version of a crate.
#[test]
fn both_variants_and_hello_on_them_are_small() {
    const SMALL: u64 = 7_000_000;
    const FULL: u64 = 11_200_000;
    const HELLO: u64 = 200_000;
    const SMALL_ZIP: u64 = 3_200_000;
    const FULL_ZIP: u64 = 5_200_000;
    if !root()
        .join("target/x86_64-unknown-linux-musl/bootstrap/bootstrap.map")
        .exists()
    {
        return skip(
            "the sizes of bootstrap",
            "bootstrap is not linked with musl here, or not for x86_64",
        );
    }
    let hello = built("dist/hello.cwasm");
    let mut sizes = vec![("hello.cwasm", hello.metadata().unwrap().len(), HELLO)];
    for (bootstrap, names, bounds) in [
        (
            small_bootstrap(),
            ["small", "small.zip"],
            [SMALL, SMALL_ZIP],
        ),
        (full_bootstrap(), ["full", "full.zip"], [FULL, FULL_ZIP]),
    ] {
        let folder = Folder::new();
        fs::create_dir(folder.path("dist")).unwrap();
        fs::copy(&hello, folder.path("dist/hello.cwasm")).unwrap();
        fs::copy(&bootstrap, folder.path("dist/bootstrap")).unwrap();
        folder.succeed(&["package", "dist", "-o", "hello.zip"]);
        let files = [bootstrap, folder.path("hello.zip")];
        let bytes = files.map(|file| file.metadata().unwrap().len());
        sizes.extend((0..2).map(|index| (names[index], bytes[index], bounds[index])));
    }
    println!("{sizes:?}");
    for (name, bytes, most) in sizes {
        assert!(bytes <= most, "{name} has {bytes} bytes, more than {most}");
    }
}

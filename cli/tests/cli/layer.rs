//! A function whose `bootstrap` is in a layer, laid out and started as Lambda does it.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lambda_wasm_test_support::{ScriptedApi, artifact};
use zip::ZipArchive;

use crate::lambda_root::{Running, can_mount};
use crate::release;
use crate::support::Folder;

/// Unpacks a zip with the permissions in it, as Lambda does.
fn unpack(zip: &Path, into: &Path) {
    let mut zip = ZipArchive::new(File::open(zip).unwrap()).unwrap();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).unwrap();
        let path = into.join(entry.name());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::io::copy(&mut entry, &mut File::create(&path).unwrap()).unwrap();
        let mode = entry.unix_mode().unwrap() & 0o777;
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn lambda_finds_bootstrap_in_the_layer() {
    if !can_mount("the layer on a machine like Lambda's") {
        return;
    }
    let folder = Folder::new();
    fs::create_dir(folder.path("dist")).unwrap();
    fs::copy(artifact("handler"), folder.path("dist/handler.cwasm")).unwrap();
    folder.write("dist/handler.toml", "[env]\nallow = [\"COLOR\"]\n");
    folder.succeed(&["package", "--layer", "-o", "function.zip"]);
    let root = folder.path("root");
    unpack(&release::layer(), &root.join("opt"));
    unpack(&folder.path("function.zip"), &root.join("var/task"));
    assert!(!root.join("var/task/bootstrap").exists());

    let api = ScriptedApi::start();
    let color = [("COLOR", "red")];
    let running = Running::start(&folder, "/opt/bootstrap", "handler", &api, &color);
    let mut connection = api.accept();
    connection.expect_next();
    connection.event("1", "\"env:COLOR\"");
    assert_eq!(connection.take_response("1").body, b"\"red\"");
    running.assert_is_as_on_lambda("/opt/bootstrap");
}

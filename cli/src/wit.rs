//! The WIT of `lambda:function` and of the WASI packages that it uses, as part of this tool.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use include_dir::{Dir, include_dir};

static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../wit");

/// Writes the files below a directory of a project, which is created. Files that have this content stay as they are, so
/// that Cargo does not build again.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be written.
pub fn write(directory: &Path) -> Result<()> {
    write_as(directory, |text| text.to_owned())
}

/// Writes the files for a compiler that adds WASI to a world itself, in this version. The worlds import the environment,
/// which the compiler would not let code import otherwise.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be written.
pub fn write_for_wasi(directory: &Path, version: &str) -> Result<()> {
    let include = format!("    include wasi:cli/imports@{};\n", wasi_version());
    let environment = format!("    import wasi:cli/environment@{version};\n");
    let export = "  export incoming-handler;\n";
    let with_environment = format!("{environment}  @since(version = 0.2.0)\n{export}");
    write_as(directory, |text| {
        text.replace(&include, &environment)
            .replace(export, &with_environment)
            .replace(wasi_version(), version)
    })
}

/// The version of the WASI packages.
pub fn wasi_version() -> &'static str {
    let http = WIT
        .get_file("deps/http.wit")
        .and_then(|file| file.contents_utf8());
    let line = http.and_then(|text| {
        text.lines()
            .find_map(|line| line.strip_prefix("package wasi:http@"))
    });
    line.map_or("0.2.0", |version| version.trim_end_matches(';'))
}

fn write_as(directory: &Path, change: impl Fn(&str) -> String) -> Result<()> {
    let deps = directory.join("deps");
    fs::create_dir_all(&deps).with_context(|| format!("{} cannot be created", deps.display()))?;
    let files = WIT
        .files()
        .chain(WIT.get_dir("deps").into_iter().flat_map(Dir::files));
    for file in files {
        let path = directory.join(file.path());
        if let Some(text) = file.contents_utf8()
            && path.extension().is_some_and(|extension| extension == "wit")
        {
            let text = change(text);
            if !fs::read_to_string(&path).is_ok_and(|there| there == text) {
                fs::write(&path, text)
                    .with_context(|| format!("{} cannot be written", path.display()))?;
            }
        }
    }
    Ok(())
}

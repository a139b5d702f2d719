//! The variables of the shell that functions see: its region, and more with `--aws`.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;

use anyhow::{Context, bail};
use lambda_wasm_emulator::account::REGION;

/// Environment variables by their names.
pub(super) type Variables = BTreeMap<String, String>;

/// Returns the region of the shell.
pub(super) fn region() -> String {
    let names = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let mut set = names.iter().filter_map(|name| env::var(name).ok());
    let region = set.find(|region| !region.is_empty());
    region.unwrap_or_else(|| REGION.to_owned())
}

/// Returns the variables that all functions get in addition to their own, by `--aws` and `--env-file`.
///
/// # Errors
///
/// Returns an error that names the file and the line if the file cannot be read.
pub(super) fn variables(aws: bool, file: Option<&Path>) -> anyhow::Result<Variables> {
    let shell = env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        let is_for_sdks = name.starts_with("AWS_") && !name.starts_with("AWS_LAMBDA_");
        is_for_sdks.then_some((name, value))
    });
    let shell: Variables = shell.collect();
    let mut variables = Variables::new();
    if aws {
        variables.extend(shell);
    } else if shell.contains_key("AWS_ACCESS_KEY_ID") {
        eprintln!(
            "note: functions do not see the AWS credentials of this shell\nhint: pass them on with --aws"
        );
    }
    if let Some(path) = file {
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        variables.extend(parse(path, &text)?);
    }
    Ok(variables)
}

/// Parses NAME=VALUE on the command line.
pub fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("this is not NAME=VALUE".to_owned()),
    }
}

/// Parses lines of NAME=VALUE like Docker: empty lines and lines that begin with `#` are skipped, and
/// quotes are part of a value.
fn parse(path: &Path, text: &str) -> anyhow::Result<Variables> {
    let mut variables = Variables::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once('=') {
            Some((name, value)) if !name.is_empty() && !name.contains(char::is_whitespace) => {
                variables.insert(name.to_owned(), value.to_owned());
            }
            _ => bail!(
                "{}, line {}: this is not NAME=VALUE",
                path.display(),
                number + 1
            ),
        }
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_variables_is_read_by_its_lines() {
        let path = Path::new("dev.env");
        let read = parse(path, "# mine\n\nA=1\n B=x=y z \nC=\n").unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(read, ["A=1", "B=x=y z", "C="]);
        let error = parse(path, "A=1\nexport B=2\n").unwrap_err().to_string();
        assert_eq!(error, "dev.env, line 2: this is not NAME=VALUE");
    }
}

//! A command of this program, in a process of its own.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use rmcp::model::{CallToolResult, ContentBlock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::interrupt::Running;

/// The command line that a tool stands for.
pub(super) struct Call {
    arguments: Vec<OsString>,
    /// Arguments that are not options, whatever they begin with.
    positional: Vec<OsString>,
    directory: Option<PathBuf>,
    /// The bytes for its standard input.
    pub input: String,
}

impl Call {
    /// Creates the call of a command in a directory.
    pub fn new(command: &str, directory: Option<PathBuf>) -> Self {
        Self {
            arguments: vec![command.into(), "--json".into()],
            positional: Vec::new(),
            directory,
            input: String::new(),
        }
    }

    /// Adds an option if it has a value.
    pub fn option(mut self, name: &str, value: Option<String>) -> Self {
        if let Some(value) = value {
            // In one piece, since the value may begin with `-`.
            self.arguments.push(format!("{name}={value}").into());
        }
        self
    }

    /// Adds an argument.
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.positional.push(argument.into());
        self
    }
}

/// Runs a command. Its JSON is the structured content of the result; its messages are text.
///
/// # Errors
///
/// Returns an error if the process cannot be started or read.
pub(super) async fn run(call: Call) -> Result<CallToolResult> {
    let program = std::env::current_exe().context("this program cannot be found")?;
    let mut command = Command::new(program);
    command.args(call.arguments).arg("--").args(call.positional);
    if let Some(directory) = &call.directory {
        command.current_dir(directory);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| match &call.directory {
            Some(directory) => format!("no command can be run in {}", directory.display()),
            None => "no command can be run".to_owned(),
        })?;
    let mut running = Running::new(child.id());
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut output, mut messages) = (Vec::new(), Vec::new());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read it says why.
            let _ = stdin.write_all(call.input.as_bytes()).await;
        }
    };
    let read = async {
        if let Some(mut stdout) = stdout {
            stdout.read_to_end(&mut output).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    let read_messages = async {
        if let Some(mut stderr) = stderr {
            stderr.read_to_end(&mut messages).await?;
        }
        Ok(())
    };
    let ((), read, read_messages) = tokio::join!(write, read, read_messages);
    read.and(read_messages)
        .context("the output of a command cannot be read")?;
    let status = child.wait().await?;
    running.has_ended();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let texts = [text(&output), text(&messages)];
    let content = texts.iter().filter(|text| !text.is_empty());
    let content = content.map(ContentBlock::text).collect();
    let mut result = match status.success() {
        true => CallToolResult::success(content),
        false => CallToolResult::error(content),
    };
    result.structured_content = match serde_json::from_slice(&output) {
        // Clients before the version 2026-07-28 take objects only.
        Ok(value @ serde_json::Value::Object(_)) => Some(value),
        _ => None,
    };
    Ok(result)
}

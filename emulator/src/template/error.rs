//! The reasons why a template cannot be used.

use std::path::{Path, PathBuf};

/// The reason why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("cannot read the template {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The file is not YAML.
    #[error("the template is not valid YAML: {0}")]
    Syntax(String),
    /// It does not have a parameter that was given a value.
    #[error("the template does not have the parameter `{name}`\nhint: its parameters are: {known}")]
    UnknownParameter {
        /// The name that was given.
        name: String,
        /// The names of the parameters.
        known: String,
    },
    /// It has functions, and none of them can run here.
    #[error("the template does not have a function that runs here: {0}")]
    OtherFunctions(String),
    /// It does not have a function.
    #[error(
        "the template does not have a function: it needs a resource of type AWS::Serverless::Function with a Handler"
    )]
    NoFunction,
}

impl TemplateError {
    /// Names the file, unless the error does.
    pub(super) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Syntax(why) => Self::Syntax(format!("{}: {why}", path.display())),
            error => error,
        }
    }
}

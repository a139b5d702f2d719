//! The functions to run, and where their code is: the options that `dev` and `invoke` share.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use lambda_wasm_emulator::{Function, Template};

use super::shell::{self, Variables};
use crate::bootstrap::Bootstrap;
use crate::project::Project;

/// Where the functions and their settings are.
#[derive(Clone, Debug, clap::Args)]
pub struct Setup {
    /// Read the functions and their routes from this SAM template [default: template.yaml, .yml or .json, or the only one in cdk.out]
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Run the compiled components in this directory, for all functions [default: a function's CodeUri if its code is there, or else dist]
    #[arg(long, value_name = "DIRECTORY")]
    dist: Option<PathBuf>,
    /// Run this bootstrap [default: the one in the directory of the components, or else the built-in one]
    #[arg(long, value_name = "FILE")]
    bootstrap: Option<PathBuf>,
    /// Pass the AWS_ variables of this shell on: credentials and endpoints
    #[arg(long)]
    aws: bool,
    /// Set the variables of this file, one NAME=VALUE in each line, for all functions
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Set this variable for all functions; may be repeated, and replaces a variable of --env-file
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = shell::assignment)]
    variables: Vec<(String, String)>,
    /// Set parameters of the template
    #[arg(long, value_name = "NAME=VALUE", num_args = 1.., value_parser = shell::assignment)]
    parameter_overrides: Vec<(String, String)>,
}

/// The code of a function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// The directory of the component, as an absolute path: `LAMBDA_TASK_ROOT`.
    pub root: PathBuf,
    /// The executable.
    pub bootstrap: PathBuf,
}

#[cfg(test)]
impl Code {
    /// Code with a bootstrap in its directory.
    pub fn in_directory(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            bootstrap: root.join("bootstrap"),
        }
    }
}

/// A function, and its code.
pub type Located = (Function, Code);

/// All functions, and what they share.
pub struct Functions {
    /// The template; its functions have the variables of the shell too.
    pub template: Template,
    /// The functions of the template with their code.
    pub located: Vec<Located>,
    /// The places of code that the functions have, or would have.
    pub codes: Vec<Code>,
    /// The variables of the shell.
    pub variables: Variables,
    /// The bootstraps that run, for people.
    pub bootstraps: Vec<String>,
}

impl Setup {
    /// The project whose component the functions run, if the directory of the template is one.
    ///
    /// # Errors
    ///
    /// Returns an error if the settings of the project cannot be read.
    pub fn project(&self) -> anyhow::Result<Option<Project>> {
        if self.dist.is_some() {
            return Ok(None);
        }
        Project::find(self.home())
    }

    /// The directory of the template.
    pub fn home(&self) -> &Path {
        match self.template.as_deref().and_then(Path::parent) {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        }
    }

    /// The bootstrap that the user named.
    pub fn bootstrap(&self) -> Option<&Path> {
        self.bootstrap.as_deref()
    }

    /// Reads the template, and finds the code of its functions. Without a template there are no functions,
    /// and `dist` is where components may be.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read, or if there is no code.
    pub fn read(&self) -> anyhow::Result<Functions> {
        let path = self.template.clone();
        let path = path
            .or_else(Template::find)
            .or_else(Template::find_synthesized);
        let parameters = self.parameter_overrides.iter().cloned().collect();
        let mut template = match path {
            Some(path) => Template::read_in(&path, &shell::region(), &parameters)?,
            None if !parameters.is_empty() => {
                bail!("--parameter-overrides needs a template\nhint: name it with --template")
            }
            None => Template::default(),
        };
        let mut variables = shell::variables(self.aws, self.env_file.as_deref())?;
        variables.extend(self.variables.iter().cloned());
        for function in &mut template.functions {
            function.variables.extend(variables.clone());
        }
        let mut found = BTreeSet::new();
        let mut bootstraps = BTreeSet::new();
        let mut code = |directory: &Path| {
            let (code, bootstrap) = self.code(directory)?;
            bootstraps.insert(bootstrap.to_string());
            found.insert(code.clone());
            anyhow::Ok(code)
        };
        let mut located = Vec::new();
        for function in &template.functions {
            located.push((function.clone(), code(&self.directory(function))?));
        }
        if located.is_empty() {
            code(self.dist.as_deref().unwrap_or(Path::new("dist")))?;
        }
        Ok(Functions {
            template,
            located,
            codes: found.into_iter().collect(),
            variables,
            bootstraps: bootstraps.into_iter().collect(),
        })
    }

    /// The directory of a function's code.
    fn directory(&self, function: &Function) -> PathBuf {
        let has_code = |directory: &&PathBuf| {
            let artifact = format!("{}.cwasm", function.handler);
            directory.join("bootstrap").is_file() || directory.join(artifact).is_file()
        };
        match (&self.dist, &function.code) {
            (Some(dist), _) => dist.clone(),
            (None, Some(code)) if has_code(&code) => code.clone(),
            (None, _) => PathBuf::from("dist"),
        }
    }

    fn code(&self, directory: &Path) -> anyhow::Result<(Code, Bootstrap)> {
        if !directory.is_dir() {
            bail!(
                "{} is not a directory\nhint: build the function with `lambda-wasm build`, or name the directory of its code with --dist",
                directory.display()
            );
        }
        let bootstrap = Bootstrap::to_run(self.bootstrap(), directory)?;
        let root = directory.canonicalize();
        let code = Code {
            root: root.with_context(|| format!("cannot open {}", directory.display()))?,
            bootstrap: bootstrap.path().to_owned(),
        };
        Ok((code, bootstrap))
    }
}

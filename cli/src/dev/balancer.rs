//! Load balancers: each has a port that the user names, and a function.

use std::str::FromStr;

use anyhow::{Result, bail};
use lambda_wasm_emulator::Function;

use super::setup::Located;

/// A load balancer that the user wants.
#[derive(Clone, Debug)]
pub(super) struct Balancer {
    pub port: u16,
    function: Option<String>,
}

impl FromStr for Balancer {
    type Err = String;

    /// Parses `PORT` or `PORT=FUNCTION`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (port, function) = match text.split_once('=') {
            Some((port, function)) => (port, Some(function.to_owned())),
            None => (text, None),
        };
        let port = port.parse();
        let port = port.map_err(|_| format!("{text:?} is neither PORT nor PORT=FUNCTION"))?;
        Ok(Self { port, function })
    }
}

impl Balancer {
    /// Returns its function: the one that is named, or else the only target of the template's load balancers, or else the only
    /// function.
    ///
    /// # Errors
    ///
    /// Returns an error that lists the functions if there are several and it does not name one, or if it names another.
    pub fn function<'a>(&self, known: &'a [Located]) -> Result<&'a Function> {
        let all = || known.iter().map(|(function, _)| function);
        if let Some(name) = &self.function {
            let mut named = all().filter(|function| function.name == *name);
            return named
                .next()
                .ok_or_else(|| self.problem("there is no such function", known));
        }
        let targets: Vec<_> = all().filter(|function| function.is_target).collect();
        let candidates = match targets.is_empty() {
            true => all().collect(),
            false => targets,
        };
        match candidates[..] {
            [only] => Ok(only),
            _ => bail!(self.problem("it is not clear which function is meant", known)),
        }
    }

    fn problem(&self, what: &str, known: &[Located]) -> anyhow::Error {
        let names: Vec<_> = known.iter().map(|(function, _)| &*function.name).collect();
        let (port, names) = (self.port, names.join(", "));
        anyhow::anyhow!(
            "--alb {port}: {what}\nhint: name one with --alb {port}=FUNCTION, of {names}"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::dev::setup::Code;

    #[test]
    fn a_balancer_has_the_function_that_is_named_or_clear() {
        let located = |name: &str, is_target: bool| {
            let mut function = Function::new(name, "f");
            function.is_target = is_target;
            (function, Code::in_directory(Path::new("dist")))
        };
        let chosen = |text: &str, known: &[Located]| {
            let balancer: Balancer = text.parse().unwrap();
            let function = balancer
                .function(known)
                .map(|function| function.name.clone());
            function.unwrap_or_else(|error| error.to_string())
        };
        let one = [located("A", false)];
        let three = [located("A", false), located("B", true), located("C", false)];
        assert_eq!(chosen("3100", &one), "A");
        assert_eq!(chosen("3100", &three), "B");
        assert_eq!(chosen("3100=C", &three), "C");
        assert_eq!(
            chosen("3100=D", &three),
            "--alb 3100: there is no such function\nhint: name one with --alb 3100=FUNCTION, of A, B, C"
        );
        let said = chosen("3100", &[located("A", false), located("B", false)]);
        assert!(
            said.starts_with("--alb 3100: it is not clear which function is meant"),
            "{said}"
        );
        for text in ["", "x", "70000", "=A"] {
            assert!(text.parse::<Balancer>().is_err(), "{text}");
        }
    }
}

//! A template's file with the files that it nests: `AWS::Serverless::Application` and
//! `AWS::CloudFormation::Stack`.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-application.html>,
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html>

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::function::arn;
use super::intrinsics::Scope;
use super::lines::Lines;
use super::notes::Notes;
use super::value::{Node, Value};
use super::{FUNCTION_TYPES, TemplateError, for_each, yaml};

/// The most files that nest each other.
const MAX_NESTING: usize = 10;

/// The types of resources that are templates.
const NESTED_TYPES: [&str; 2] = ["AWS::Serverless::Application", "AWS::CloudFormation::Stack"];

/// A template's document, and those that it nests by the names of their resources.
pub(super) struct Stack {
    pub document: Value,
    /// The lines of the document's keys.
    pub lines: Lines,
    /// The file, unless the template is only a text.
    pub file: Option<PathBuf>,
    /// The names and ARNs of its functions, by their resources' names.
    pub functions: BTreeMap<String, (String, String)>,
    /// The nested stacks, by their resources' names.
    pub nested: BTreeMap<String, Stack>,
}

impl Stack {
    /// Parses a template's text, without those that it nests.
    pub fn parse(text: &str, file: Option<&Path>) -> Result<Self, TemplateError> {
        let (document, lines) = yaml::load(text).map_err(TemplateError::Syntax)?;
        Ok(Self {
            document,
            lines,
            file: file.map(Path::to_owned),
            functions: BTreeMap::new(),
            nested: BTreeMap::new(),
        })
    }

    /// Reads a template's file, without those that it nests.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|source| TemplateError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, Some(path)).map_err(|error| error.in_file(path))
    }

    /// Returns the path of a file that the template names.
    pub fn path(&self, relative: PathBuf) -> PathBuf {
        match self.file.as_deref().and_then(Path::parent) {
            Some(directory) => directory.join(relative),
            None => relative,
        }
    }

    /// Returns the condition of a resource if it does not hold.
    pub fn unmet_condition(scope: &Scope<'_>, resource: Node<'_>) -> Option<String> {
        let condition = resource.get("Condition").text()?;
        (scope.condition(&condition) == Some(false)).then_some(condition)
    }

    /// Reads the templates that this one nests, and those that they nest. Notes say which cannot be
    /// read.
    pub fn load_nested(
        &mut self,
        region: &str,
        parameters: &BTreeMap<String, String>,
        notes: &mut Vec<String>,
    ) {
        let files: Vec<_> = self.file.clone().into_iter().collect();
        self.load_below(&files, region, parameters, notes);
    }

    fn load_below(
        &mut self,
        files: &[PathBuf],
        region: &str,
        parameters: &BTreeMap<String, String>,
        notes: &mut Vec<String>,
    ) {
        let scope = Scope::new(self, region, parameters.clone());
        if let Some(document) = for_each::expand(&self.document, &scope) {
            drop(scope);
            self.document = document;
        }
        let scope = Scope::new(self, region, parameters.clone());
        let mut own = Notes::new(self);
        let mut nested = BTreeMap::new();
        for (name, resource) in Node(self.document.get("Resources")).entries() {
            let kind = resource.get("Type").text().unwrap_or_default();
            if !NESTED_TYPES.contains(&&*kind) || Self::unmet_condition(&scope, resource).is_some()
            {
                continue;
            }
            match self.nested_stack(resource, files, &scope) {
                Ok((mut stack, files)) => {
                    let parameters = scope.parameters_of(name);
                    stack.load_below(&files, region, &parameters, notes);
                    nested.insert(name.to_owned(), stack);
                }
                Err(why) => own.push(format!("{name}: {why}; its functions are not started")),
            }
        }
        drop(scope);
        notes.extend(own.all);
        self.nested = nested;
    }

    /// Reads the template of a resource, and returns it with the files down to it.
    fn nested_stack(
        &self,
        resource: Node<'_>,
        files: &[PathBuf],
        scope: &Scope<'_>,
    ) -> Result<(Self, Vec<PathBuf>), String> {
        let own = resource.get("Properties");
        // The CDK uploads the template, and has its file here.
        let asset = resource.get("Metadata").get("aws:asset:path").text();
        let written = [own.get("Location"), own.get("TemplateURL")];
        let written = written.into_iter().find_map(|location| location.0);
        let location = written.and_then(|location| scope.resolve(location));
        let location = Node(location.as_ref());
        let Some(path) = asset.or_else(|| location.text()) else {
            return Err(match location.intrinsic() {
                Some(intrinsic) => {
                    format!("its template is {intrinsic}, which only a deployment can tell")
                }
                None if !location.get("ApplicationId").is_absent() => {
                    "it is an application of the AWS Serverless Application Repository".to_owned()
                }
                None => "it does not have a template".to_owned(),
            });
        };
        if path.contains("://") {
            return Err(format!("its template is not on this machine ({path})"));
        }
        if self.file.is_none() {
            return Err("it is a file, and this template is not".to_owned());
        }
        let path = self.path(PathBuf::from(path));
        let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let is_known = files.iter().any(|file| whole(file) == whole(&path));
        if is_known || files.len() > MAX_NESTING {
            return Err(format!("the template {} nests itself", path.display()));
        }
        let stack = Self::read(&path).map_err(|error| error.to_string())?;
        let files = files.iter().cloned().chain([path]).collect();
        Ok((stack, files))
    }

    /// Names the functions of this template and of those that it nests. A nested function whose name
    /// another has gets the name of its template's resource before its own.
    pub fn name_functions(&mut self, region: &str, parameters: &BTreeMap<String, String>) {
        self.name_below(None, region, parameters, &mut BTreeSet::new());
    }

    fn name_below(
        &mut self,
        resource: Option<&str>,
        region: &str,
        parameters: &BTreeMap<String, String>,
        taken: &mut BTreeSet<String>,
    ) {
        let scope = Scope::new(self, region, parameters.clone());
        let functions = Node(self.document.get("Resources")).entries();
        let functions = functions.filter(|(_, resource)| {
            let kind = resource.get("Type").text();
            kind.is_some_and(|kind| FUNCTION_TYPES.contains(&&*kind))
        });
        let mut names = BTreeMap::new();
        for (function, node) in functions {
            let name = node.get("Properties").get("FunctionName").0;
            let name = name.and_then(|name| scope.resolve(name));
            let name = Node(name.as_ref()).text();
            let mut name = name.unwrap_or_else(|| function.to_owned());
            if let Some(resource) = resource.filter(|_| taken.contains(&name)) {
                name = format!("{resource}-{name}");
            }
            taken.insert(name.clone());
            let arn = arn(&name, region);
            names.insert(function.to_owned(), (name, arn));
        }
        drop(scope);
        self.functions = names;
        let scope = Scope::new(self, region, parameters.clone());
        let of_nested = |resource: &String| scope.parameters_of(resource);
        let of_nested: Vec<_> = self.nested.keys().map(of_nested).collect();
        drop(scope);
        for ((resource, stack), parameters) in self.nested.iter_mut().zip(of_nested) {
            stack.name_below(Some(resource), region, &parameters, taken);
        }
    }
}

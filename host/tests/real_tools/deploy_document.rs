//! The examples of docs/deploying.md, run by `sam` and the AWS CLI against moto.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lambda_wasm_test_support::{artifact, built, full_bootstrap, root};
use serde_json::Value;
use tempfile::TempDir;

use crate::moto::Moto;
use lambda_wasm_test_support::tools::{skip, tool};

/// The blocks of a language in a section of the document, by its heading.
fn blocks(section: &str, language: &str) -> Vec<String> {
    let document = fs::read_to_string(root().join("docs/deploying.md")).unwrap();
    let (_, rest) = document.split_once(&format!("\n## {section}\n")).unwrap();
    let rest = rest.split("\n## ").next().unwrap();
    let mut blocks = Vec::new();
    for part in rest.split("```").skip(1).step_by(2) {
        let (head, text) = part.split_once('\n').unwrap();
        if head.split(' ').next() == Some(language) {
            blocks.push(text.to_owned());
        }
    }
    assert!(!blocks.is_empty(), "{section} has no {language}");
    blocks
}

/// A reader of the document, with a function in `dist/`, the layer, and moto for AWS.
struct Reader {
    folder: TempDir,
    moto: Moto,
    path: String,
}

impl Reader {
    /// None if there is no such tool here.
    fn new(program: &str) -> Option<Self> {
        let program = tool(program)?;
        let moto = Moto::start()?;
        moto.create_role("hello");
        let folder = tempfile::tempdir().unwrap();
        let dist = folder.path().join("dist");
        fs::create_dir(&dist).unwrap();
        fs::copy(artifact("handler"), dist.join("hello.cwasm")).unwrap();
        fs::copy(full_bootstrap(), dist.join("bootstrap")).unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let program_in_bin = bin.join(program.file_name().unwrap());
        std::os::unix::fs::symlink(&program, program_in_bin).unwrap();
        let tool = built("target/release/lambda-wasm");
        std::os::unix::fs::symlink(tool, bin.join("lambda-wasm")).unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let reader = Self { folder, moto, path };
        // The layer has the host alone. Nothing looks into it here.
        reader.run("lambda-wasm package -o layer.zip");
        Some(reader)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs commands, each of which has to succeed, and returns what they printed.
    #[track_caller]
    fn run(&self, script: &str) -> String {
        let output = Command::new("bash")
            .args(["-e", "-c", script])
            .current_dir(self.folder.path())
            .envs([
                ("PATH", self.path.as_str()),
                ("HOME", self.folder.path().to_str().unwrap()),
                ("AWS_ENDPOINT_URL", &self.moto.url()),
                ("AWS_ACCESS_KEY_ID", "AKID"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
                ("AWS_DEFAULT_REGION", "eu-central-1"),
                ("AWS_REGION", "eu-central-1"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
                ("AWS_PAGER", ""),
                ("NO_PROXY", "*"),
                ("SAM_CLI_TELEMETRY", "0"),
            ])
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{script}\n{}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// The hash of function.zip as Lambda has hashes.
    fn hash(&self, options: &str) -> String {
        let report = self.run(&format!("lambda-wasm package {options} -o same.zip --json"));
        let report: Value = serde_json::from_str(&report).unwrap();
        assert!(
            fs::read(self.path("same.zip")).unwrap()
                == fs::read(self.path("function.zip")).unwrap()
        );
        report["codeSha256"].as_str().unwrap().to_owned()
    }

    /// The configuration of a function that moto has.
    fn configuration(&self, name: &str) -> Value {
        let function = self.moto.get_json(&format!("/2015-03-31/functions/{name}"));
        function["Configuration"].clone()
    }
}

#[test]
fn the_aws_cli_deploys_the_zip_that_package_made() {
    let Some(reader) = Reader::new("aws") else {
        return;
    };
    reader.run("lambda-wasm package -o function.zip");
    let [create, update] = &blocks("AWS CLI", "sh")[..] else {
        panic!("two blocks")
    };
    reader.run(create);
    let configuration = reader.configuration("hello");
    assert_eq!(configuration["CodeSha256"], reader.hash(""));
    assert_eq!(configuration["Handler"], "hello");
    let policy = reader.moto.get_json("/2015-03-31/functions/hello/policy");
    let policy: Value = serde_json::from_str(policy["Policy"].as_str().unwrap()).unwrap();
    let statement = |index: usize, key: &str| policy["Statement"][index][key].clone();
    assert_eq!(statement(0, "FunctionUrlAuthType"), "NONE");
    assert_eq!(statement(1, "Action"), "lambda:InvokeFunction");
    assert_eq!(statement(1, "InvokedViaFunctionUrl"), true);

    fs::write(reader.path("dist/data"), "more").unwrap();
    reader.run(update);
    let updated = reader.configuration("hello")["CodeSha256"].clone();
    assert_eq!(updated, reader.hash(""));
    assert_ne!(updated, configuration["CodeSha256"]);

    let [layer] = &blocks("A layer", "sh")[..] else {
        panic!("one block")
    };
    reader.run(layer);
    let configuration = reader.configuration("layered");
    assert_eq!(configuration["CodeSha256"], reader.hash("--layer"));
    let arn = "arn:aws:lambda:eu-central-1:123456789012:layer:lambda-wasm:1";
    assert_eq!(configuration["Layers"][0]["Arn"], arn);

    // Without Docker, and without a registry.
    let [image] = &blocks("A container image", "sh")[..] else {
        panic!("one block")
    };
    let create = image.lines().find(|line| line.starts_with("aws "));
    reader.run(create.unwrap());
    assert_eq!(reader.configuration("imaged")["PackageType"], "Image");
}

/// The template with its comment about the layer as resources.
fn with_layer(template: &Path) -> String {
    let text = fs::read_to_string(template).unwrap();
    let (before, rest) = text.split_once("  # Host:\n").unwrap();
    let (layer, after) = rest.split_once("\n\n").unwrap();
    let layer: Vec<_> = layer
        .lines()
        .map(|line| line.replacen("  # ", "  ", 1))
        .collect();
    format!("{before}  Host:\n{}\n\n{after}", layer.join("\n"))
}

#[test]
fn sam_takes_the_templates_and_uploads_the_zip_that_package_made() {
    let Some(reader) = Reader::new("sam") else {
        return;
    };
    reader.run("lambda-wasm package -o function.zip");
    for (name, text) in [
        ("template.yaml", blocks("SAM", "yaml").remove(0)),
        ("layered.yaml", blocks("A layer", "yaml").remove(0)),
        ("image.yaml", blocks("A container image", "yaml").remove(0)),
        ("root.yaml", with_layer(&root().join("template.yaml"))),
    ] {
        fs::write(reader.path(name), text).unwrap();
        reader.run(&format!(
            "sam validate --lint --region eu-central-1 -t {name}"
        ));
    }
    assert_eq!(reader.moto.put("/code").status, 200);
    reader
        .run("sam package -t template.yaml --s3-bucket code --output-template-file packaged.yaml");
    let packaged = fs::read_to_string(reader.path("packaged.yaml")).unwrap();
    let (_, object) = packaged.split_once("CodeUri: s3://code/").unwrap();
    let object = object.lines().next().unwrap();
    let uploaded = reader.moto.object(&format!("/code/{object}"));
    assert!(uploaded == fs::read(reader.path("function.zip")).unwrap());
    // The function is the template's, and nothing is wrong with the zip.
    reader.run("lambda-wasm package --check function.zip --template template.yaml");
}

#[test]
fn the_cdk_takes_the_zip_and_adds_both_permissions() {
    let Some(reader) = Reader::new("node") else {
        return;
    };
    let modules = root().join("target/cdk/node_modules");
    if !modules.join("aws-cdk-lib").is_dir() {
        skip(
            "aws-cdk-lib",
            &format!("it is not in {}", modules.display()),
        );
        return;
    }
    std::os::unix::fs::symlink(modules, reader.path("node_modules")).unwrap();
    reader.run("lambda-wasm package -o function.zip");
    fs::write(reader.path("app.mjs"), blocks("CDK", "js").remove(0)).unwrap();
    reader.run("CDK_OUTDIR=out node app.mjs");
    let template = fs::read(reader.path("out/Hello.template.json")).unwrap();
    let template: Value = serde_json::from_slice(&template).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let of_kind = |kind: &str| {
        let of_kind = resources
            .values()
            .filter(|resource| resource["Type"] == kind);
        of_kind
            .map(|resource| resource["Properties"].clone())
            .collect::<Vec<_>>()
    };
    let [function] = &of_kind("AWS::Lambda::Function")[..] else {
        panic!("{template}")
    };
    assert_eq!(function["Runtime"], "provided.al2023");
    assert_eq!(function["Handler"], "hello");
    let permissions = of_kind("AWS::Lambda::Permission");
    let allows = |action: &str, condition: &str| {
        let is_it = |permission: &&Value| {
            permission["Action"] == action && !permission[condition].is_null()
        };
        assert_eq!(
            permissions.iter().filter(is_it).count(),
            1,
            "{permissions:?}"
        );
    };
    allows("lambda:InvokeFunctionUrl", "FunctionUrlAuthType");
    allows("lambda:InvokeFunction", "InvokedViaFunctionUrl");
    let key = function["Code"]["S3Key"].as_str().unwrap();
    let asset = fs::read(reader.path(&format!("out/asset.{key}"))).unwrap();
    assert!(asset == fs::read(reader.path("function.zip")).unwrap());
}

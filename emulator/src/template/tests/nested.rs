//! Templates that other templates nest.

use std::fs;
use std::path::PathBuf;

use super::*;

/// A directory with files, which is removed afterwards.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let name = format!("lambda-wasm-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        for (file, text) in files {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Self(path)
    }

    fn read(&self) -> Template {
        Template::read(&self.0.join("template.yaml")).unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const ROOT: &str = r#"
Parameters: { Stage: { Type: String, Default: dev } }
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Handler: hello
      CodeUri: dist/
      Environment:
        Variables: { TABLE: !GetAtt Shop.Outputs.Table, ORDERS: !GetAtt Shop.Outputs.Function }
  Shop:
    Type: AWS::Serverless::Application
    Properties:
      Location: shop/template.yaml
      Parameters: { Stage: !Sub "${Stage}-1", Zones: [a, b], Lost: x, Later: !ImportValue x }
  Plain:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ./plain.yaml
      Parameters: { Table: !GetAtt Shop.Outputs.Table, Back: !GetAtt Plain.Outputs.Back }
  Public:
    Type: AWS::Serverless::Application
    Properties: { Location: { ApplicationId: "arn:aws:x", SemanticVersion: 1.0.0 } }
  Far: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: "https://s3/a.yaml" } }
  Gone: { Type: AWS::Serverless::Application, Properties: { Location: gone.yaml } }
"#;

const SHOP: &str = r#"
Parameters:
  Stage: { Type: String }
  Zones: { Type: CommaDelimitedList }
  Later: { Type: String, Default: later }
Globals: { Function: { Timeout: 9 } }
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Handler: shop
      CodeUri: dist/
      Environment:
        Variables: { STAGE: !Ref Stage, ZONE: !Select [1, !Ref Zones], ME: !Ref Hello, LATER: !Ref Later }
      Events:
        Get: { Type: HttpApi, Properties: { Path: /shop, Method: get } }
  Table: { Type: AWS::DynamoDB::Table, Properties: { TableName: !Sub "${AWS::StackName}-${Stage}" } }
  Self: { Type: AWS::Serverless::Application, Properties: { Location: template.yaml } }
Outputs:
  Table: { Value: !Ref Table }
  Function: { Value: !GetAtt Hello.Arn }
"#;

const PLAIN: &str = r#"
Parameters: { Table: { Type: String }, Back: { Type: String, Default: none } }
Resources:
  Other:
    Type: AWS::Lambda::Function
    Properties:
      Handler: other
      Code: other/
      Environment: { Variables: { TABLE: !Ref Table } }
Outputs: { Back: { Value: !Ref Back } }
"#;

#[test]
fn nested_functions_are_read_with_their_parameters_and_outputs() {
    let files = [
        ("template.yaml", ROOT),
        ("shop/template.yaml", SHOP),
        ("plain.yaml", PLAIN),
    ];
    let directory = Directory::new("nested", &files);
    let template = directory.read();
    let names: Vec<_> = template.functions.iter().map(|f| &*f.name).collect();
    assert_eq!(names, ["Hello", "Shop-Hello", "Other"]);
    let [hello, shop, other] = &template.functions[..] else {
        panic!("{names:?}")
    };
    assert_eq!(hello.variables["TABLE"], "local-Shop-dev-1");
    assert_eq!(hello.variables["ORDERS"], shop.arn());
    assert_eq!(other.variables["TABLE"], "local-Shop-dev-1");
    let variables = ["LATER", "ME", "STAGE", "ZONE"].map(|name| &*shop.variables[name]);
    assert_eq!(variables, ["later", "Shop-Hello", "dev-1", "b"]);
    assert_eq!(shop.timeout.as_secs(), 9);
    assert_eq!(routes(shop), ["Http GET /shop"]);
    let code = |function: &Function| {
        let code = function.code.clone().unwrap();
        code.strip_prefix(&directory.0).unwrap().to_owned()
    };
    assert_eq!(code(hello), Path::new("dist/"));
    assert_eq!(code(shop), Path::new("shop/dist/"));
    assert_eq!(code(other), Path::new("other/"));
    let notes = template.notes.join("\n");
    for note in [
        "template.yaml:21: Public: it is an application of the AWS Serverless Application Repository; its functions are not started",
        "Far: its template is not on this machine (https://s3/a.yaml); its functions are not started",
        "Gone: cannot read the template",
        "shop/template.yaml:18: Self: the template",
        "/template.yaml:15: Shop: its template does not have the parameter Lost",
        "Shop: only a deployment can tell the parameter Later; it has its default here",
        "/template.yaml:11: Shop.Table: AWS::DynamoDB::Table is not created here, and the variable TABLE has a made-up value",
        "/plain.yaml:9: Shop.Table: AWS::DynamoDB::Table is not created here, and the variable TABLE has a made-up value",
    ] {
        assert!(notes.contains(note), "{note}\n{notes}");
    }
}

#[test]
fn a_stack_of_the_cdk_nests_its_asset() {
    let root = r#"{ "Resources": { "Sub": {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {
            "TemplateURL": { "Fn::Join": ["", ["https://s3.", { "Ref": "AWS::Region" }, "/x.json"]] },
            "Parameters": { "referencetoTableRef": { "Ref": "Table" } }
        },
        "Metadata": { "aws:asset:path": "Sub.nested.template.json" }
      },
      "Table": { "Type": "AWS::DynamoDB::Table" }
    } }"#;
    let nested = r#"{
      "Parameters": { "referencetoTableRef": { "Type": "String" } },
      "Resources": { "F": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
          "Handler": "f", "Runtime": "provided.al2023",
          "Environment": { "Variables": { "TABLE": { "Ref": "referencetoTableRef" } } }
        },
        "Metadata": { "aws:asset:path": "asset.1" }
    } } }"#;
    let files = [
        ("template.yaml", root),
        ("Sub.nested.template.json", nested),
    ];
    let directory = Directory::new("cdk", &files);
    let function = &directory.read().functions[0];
    assert_eq!(function.variables["TABLE"], "Table");
    assert_eq!(function.code, Some(directory.0.join("asset.1")));
}

#[test]
fn a_template_without_a_file_nests_nothing() {
    let template = Template::parse(ROOT).unwrap();
    assert_eq!(template.functions.len(), 1);
    let note =
        "line 11: Shop: it is a file, and this template is not; its functions are not started";
    assert!(template.notes.iter().any(|known| known == note));
}

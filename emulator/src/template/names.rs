//! The made-up names of a template's resources, which are not created here: `Ref` and the common
//! attributes, in the form that AWS gives them.
//!
//! Each resource's page has them under "Return values":
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html>.

use super::intrinsics::{partition, url_suffix};
use crate::account::ACCOUNT;

/// The values that `Ref` and `Fn::GetAtt` have for a resource.
#[derive(Debug)]
pub(super) struct Names {
    /// The value of `Ref`.
    pub reference: String,
    attributes: Vec<(&'static str, String)>,
}

impl Names {
    /// Returns the value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Makes up the names of a resource. `text` returns a property of it.
    pub fn of(kind: &str, id: &str, region: &str, text: &dyn Fn(&str) -> Option<String>) -> Self {
        let name = explicit(kind).and_then(text);
        let name = name.unwrap_or_else(|| default(kind, id, region, text));
        let name = &*name;
        let place = Place { region };
        let suffix = url_suffix(region);
        // An ARN that is empty is not an attribute.
        let (reference, arn, others) = match kind {
            "AWS::DynamoDB::Table"
            | "AWS::DynamoDB::GlobalTable"
            | "AWS::Serverless::SimpleTable" => {
                let arn = place.arn("dynamodb", &format!("table/{name}"));
                let stream = format!("{arn}/stream/2024-08-06T00:00:00.000");
                (name.to_owned(), arn, vec![("StreamArn", stream)])
            }
            "AWS::SQS::Queue" => {
                let url = format!("https://sqs.{region}.{suffix}/{ACCOUNT}/{name}");
                let others = vec![("QueueName", name.to_owned()), ("QueueUrl", url.clone())];
                (url, place.arn("sqs", name), others)
            }
            "AWS::SNS::Topic" => {
                let arn = place.arn("sns", name);
                let others = vec![("TopicArn", arn.clone()), ("TopicName", name.to_owned())];
                (arn, String::new(), others)
            }
            "AWS::S3::Bucket" => {
                let arn = format!("arn:{}:s3:::{name}", partition(region));
                let regional = format!("{name}.s3.{region}.{suffix}");
                let others = vec![
                    ("DomainName", format!("{name}.s3.{suffix}")),
                    ("RegionalDomainName", regional),
                ];
                (name.to_owned(), arn, others)
            }
            "AWS::Events::EventBus" => {
                let arn = place.arn("events", &format!("event-bus/{name}"));
                (name.to_owned(), arn, vec![("Name", name.to_owned())])
            }
            "AWS::Events::Rule" => {
                let bus = text("EventBusName").filter(|bus| bus != "default");
                let bus = bus.map(|bus| format!("{}/", bus.rsplit('/').next().unwrap_or_default()));
                let arn = format!("rule/{}{name}", bus.unwrap_or_default());
                (name.to_owned(), place.arn("events", &arn), vec![])
            }
            "AWS::Scheduler::Schedule" => {
                let group = text("GroupName").unwrap_or_else(|| "default".to_owned());
                let arn = place.arn("scheduler", &format!("schedule/{group}/{name}"));
                (name.to_owned(), arn, vec![])
            }
            "AWS::StepFunctions::StateMachine" | "AWS::Serverless::StateMachine" => {
                let arn = place.arn("states", &format!("stateMachine:{name}"));
                (arn.clone(), arn, vec![("Name", name.to_owned())])
            }
            "AWS::Kinesis::Stream" => {
                let arn = place.arn("kinesis", &format!("stream/{name}"));
                (name.to_owned(), arn, vec![])
            }
            "AWS::KinesisFirehose::DeliveryStream" => {
                let arn = place.arn("firehose", &format!("deliverystream/{name}"));
                (name.to_owned(), arn, vec![])
            }
            "AWS::SSM::Parameter" => {
                let values = ["Type", "Value"].map(|key| Some((key, text(key)?)));
                let others = values.into_iter().flatten().collect();
                (name.to_owned(), String::new(), others)
            }
            "AWS::SecretsManager::Secret" => {
                // AWS adds a hyphen and six characters to the name.
                let arn = place.arn("secretsmanager", &format!("secret:{name}-a1b2c3"));
                (arn.clone(), String::new(), vec![("Id", arn)])
            }
            "AWS::Logs::LogGroup" => {
                let arn = place.arn("logs", &format!("log-group:{name}:*"));
                (name.to_owned(), arn, vec![])
            }
            "AWS::Cognito::UserPool" => {
                let arn = place.arn("cognito-idp", &format!("userpool/{name}"));
                let provider = format!("cognito-idp.{region}.{suffix}/{name}");
                let others = vec![
                    ("UserPoolId", name.to_owned()),
                    ("ProviderURL", format!("https://{provider}")),
                    ("ProviderName", provider),
                ];
                (name.to_owned(), arn, others)
            }
            "AWS::Cognito::UserPoolClient" => {
                let others = vec![("ClientId", name.to_owned())];
                (name.to_owned(), String::new(), others)
            }
            "AWS::ApiGateway::RestApi" | "AWS::Serverless::Api" => {
                let others = vec![
                    ("RestApiId", name.to_owned()),
                    ("RootResourceId", format!("{name}Root")),
                ];
                (name.to_owned(), String::new(), others)
            }
            "AWS::ApiGateway::Resource" => {
                let others = vec![("ResourceId", name.to_owned())];
                (name.to_owned(), String::new(), others)
            }
            "AWS::ApiGatewayV2::Api" | "AWS::Serverless::HttpApi" => {
                let endpoint = format!("https://{name}.execute-api.{region}.{suffix}");
                let others = vec![("ApiId", name.to_owned()), ("ApiEndpoint", endpoint)];
                (name.to_owned(), String::new(), others)
            }
            "AWS::CloudFormation::Stack" | "AWS::Serverless::Application" => {
                let id = "51af3dc0-da77-11e4-872e-1234567db123";
                let arn = place.arn("cloudformation", &format!("stack/{name}/{id}"));
                (arn, String::new(), vec![])
            }
            "AWS::IAM::Role" | "AWS::IAM::User" | "AWS::IAM::Group" => {
                let resource = kind.rsplit("::").next().unwrap_or_default();
                let path = text("Path").unwrap_or_else(|| "/".to_owned());
                let resource = resource.to_lowercase();
                let arn = place.global_arn("iam", &format!("{resource}{path}{name}"));
                (name.to_owned(), arn, vec![])
            }
            "AWS::KMS::Key" => {
                let arn = place.arn("kms", &format!("key/{name}"));
                (name.to_owned(), arn, vec![("KeyId", name.to_owned())])
            }
            "AWS::Lambda::Alias" => {
                let function = text("FunctionName").unwrap_or_default();
                let arn = place.function(&function, name);
                (arn.clone(), String::new(), vec![("AliasArn", arn)])
            }
            "AWS::Lambda::Version" => {
                let function = text("FunctionName").unwrap_or_default();
                let arn = place.function(&function, "1");
                let others = vec![("FunctionArn", arn.clone()), ("Version", "1".to_owned())];
                (arn, String::new(), others)
            }
            "AWS::Lambda::Url" => {
                let id = name.to_lowercase();
                let url = format!("https://{id}.lambda-url.{region}.on.aws/");
                let function = text("TargetFunctionArn").unwrap_or_default();
                let arn = match function.starts_with("arn:") {
                    true => function,
                    false => place.arn("lambda", &format!("function:{function}")),
                };
                let others = vec![("FunctionArn", arn.clone()), ("FunctionUrl", url)];
                (arn, String::new(), others)
            }
            "AWS::Lambda::LayerVersion" | "AWS::Serverless::LayerVersion" => {
                let arn = place.arn("lambda", &format!("layer:{name}:1"));
                let others = vec![("LayerVersionArn", arn.clone())];
                (arn, String::new(), others)
            }
            _ => (name.to_owned(), String::new(), vec![]),
        };
        let mut attributes = others;
        if !arn.is_empty() {
            attributes.push(("Arn", arn));
        }
        Self {
            reference,
            attributes,
        }
    }
}

/// Returns the property that names a resource of this type.
fn explicit(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" | "AWS::Serverless::SimpleTable" => {
            "TableName"
        }
        "AWS::SQS::Queue" => "QueueName",
        "AWS::SNS::Topic" => "TopicName",
        "AWS::S3::Bucket" => "BucketName",
        "AWS::StepFunctions::StateMachine" => "StateMachineName",
        "AWS::Serverless::StateMachine"
        | "AWS::Events::EventBus"
        | "AWS::Events::Rule"
        | "AWS::Scheduler::Schedule"
        | "AWS::Scheduler::ScheduleGroup"
        | "AWS::Kinesis::Stream"
        | "AWS::SSM::Parameter"
        | "AWS::SecretsManager::Secret"
        | "AWS::Lambda::Alias" => "Name",
        "AWS::KinesisFirehose::DeliveryStream" => "DeliveryStreamName",
        "AWS::Logs::LogGroup" => "LogGroupName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::IAM::User" => "UserName",
        "AWS::IAM::Group" => "GroupName",
        "AWS::KMS::Alias" => "AliasName",
        "AWS::Lambda::LayerVersion" | "AWS::Serverless::LayerVersion" => "LayerName",
        "AWS::ApiGateway::Stage" | "AWS::ApiGatewayV2::Stage" => "StageName",
        "AWS::Cognito::UserPoolDomain" => "Domain",
        _ => return None,
    })
}

/// Returns the name of a resource that the template does not name: its logical id, in a form that
/// the service takes.
fn default(kind: &str, id: &str, region: &str, text: &dyn Fn(&str) -> Option<String>) -> String {
    match kind {
        "AWS::Cognito::UserPool" => format!("{region}_{id}"),
        // Names of buckets have no capitals:
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
        "AWS::S3::Bucket" => id.to_lowercase(),
        // Names of FIFO queues and topics end with this suffix.
        "AWS::SQS::Queue" if text("FifoQueue").as_deref() == Some("true") => format!("{id}.fifo"),
        "AWS::SNS::Topic" if text("FifoTopic").as_deref() == Some("true") => format!("{id}.fifo"),
        _ => id.to_owned(),
    }
}

/// The place of resources in AWS.
struct Place<'a> {
    region: &'a str,
}

impl Place<'_> {
    fn arn(&self, service: &str, resource: &str) -> String {
        let (partition, region) = (partition(self.region), self.region);
        format!("arn:{partition}:{service}:{region}:{ACCOUNT}:{resource}")
    }

    fn global_arn(&self, service: &str, resource: &str) -> String {
        let partition = partition(self.region);
        format!("arn:{partition}:{service}::{ACCOUNT}:{resource}")
    }

    /// Returns the ARN of a function's alias or version.
    fn function(&self, function: &str, qualifier: &str) -> String {
        match function.starts_with("arn:") {
            true => format!("{function}:{qualifier}"),
            false => self.arn("lambda", &format!("function:{function}:{qualifier}")),
        }
    }
}

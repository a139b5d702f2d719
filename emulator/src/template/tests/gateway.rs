//! Routes of APIs that are resources of CloudFormation.

use super::*;

/// The templates that the CDK writes for `HttpApi` and `RestApi`, shortened.
const CDK: &str = r#"{
  "Resources": {
    "Fn9270CBC0": {
      "Type": "AWS::Lambda::Function",
      "Properties": { "Handler": "f", "Runtime": "provided.al2023", "Code": { "S3Key": "1.zip" } },
      "Metadata": { "aws:asset:path": "asset.1" }
    },
    "HttpF1": { "Type": "AWS::ApiGatewayV2::Api", "Properties": { "Name": "Http", "ProtocolType": "HTTP" } },
    "HttpStage": {
      "Type": "AWS::ApiGatewayV2::Stage",
      "Properties": { "ApiId": { "Ref": "HttpF1" }, "AutoDeploy": true, "StageName": "live", "StageVariables": { "A": "b" } }
    },
    "HttpGetBooksIntegration": {
      "Type": "AWS::ApiGatewayV2::Integration",
      "Properties": {
        "ApiId": { "Ref": "HttpF1" }, "IntegrationType": "AWS_PROXY",
        "IntegrationUri": { "Fn::GetAtt": ["Fn9270CBC0", "Arn"] }, "PayloadFormatVersion": "2.0"
      }
    },
    "HttpGetBooks": {
      "Type": "AWS::ApiGatewayV2::Route",
      "Properties": {
        "ApiId": { "Ref": "HttpF1" }, "AuthorizationType": "NONE", "RouteKey": "GET /books/{id}",
        "Target": { "Fn::Join": ["", ["integrations/", { "Ref": "HttpGetBooksIntegration" }]] }
      }
    },
    "HttpDefaultIntegration": {
      "Type": "AWS::ApiGatewayV2::Integration",
      "Properties": {
        "ApiId": { "Ref": "HttpF1" }, "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "1.0", "TimeoutInMillis": 7000,
        "IntegrationUri": { "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn9270CBC0.Arn}/invocations" }
      }
    },
    "HttpDefault": {
      "Type": "AWS::ApiGatewayV2::Route",
      "Properties": {
        "ApiId": { "Ref": "HttpF1" }, "AuthorizationType": "JWT", "RouteKey": "$default",
        "Target": { "Fn::Join": ["/", ["integrations", { "Ref": "HttpDefaultIntegration" }]] }
      }
    },
    "Rest0C": { "Type": "AWS::ApiGateway::RestApi", "Properties": { "Name": "Rest", "BinaryMediaTypes": ["image/*"] } },
    "RestDeployment": { "Type": "AWS::ApiGateway::Deployment", "Properties": { "RestApiId": { "Ref": "Rest0C" } } },
    "RestStageprod": {
      "Type": "AWS::ApiGateway::Stage",
      "Properties": { "DeploymentId": { "Ref": "RestDeployment" }, "RestApiId": { "Ref": "Rest0C" }, "StageName": "prod" }
    },
    "Restitems": {
      "Type": "AWS::ApiGateway::Resource",
      "Properties": { "ParentId": { "Fn::GetAtt": ["Rest0C", "RootResourceId"] }, "PathPart": "items", "RestApiId": { "Ref": "Rest0C" } }
    },
    "Restitemsid": {
      "Type": "AWS::ApiGateway::Resource",
      "Properties": { "ParentId": { "Ref": "Restitems" }, "PathPart": "{id}", "RestApiId": { "Ref": "Rest0C" } }
    },
    "RestitemsidGET": {
      "Type": "AWS::ApiGateway::Method",
      "Properties": {
        "AuthorizationType": "NONE", "HttpMethod": "GET",
        "ResourceId": { "Ref": "Restitemsid" }, "RestApiId": { "Ref": "Rest0C" },
        "Integration": {
          "IntegrationHttpMethod": "POST", "Type": "AWS_PROXY", "ResponseTransferMode": "STREAM",
          "Uri": { "Fn::Join": ["", ["arn:", { "Ref": "AWS::Partition" }, ":apigateway:", { "Ref": "AWS::Region" },
            ":lambda:path/2021-11-15/functions/", { "Fn::GetAtt": ["Fn9270CBC0", "Arn"] }, "/response-streaming-invocations"]] }
        }
      }
    },
    "RestANY": {
      "Type": "AWS::ApiGateway::Method",
      "Properties": {
        "AuthorizationType": "NONE", "HttpMethod": "ANY",
        "ResourceId": { "Fn::GetAtt": ["Rest0C", "RootResourceId"] }, "RestApiId": { "Ref": "Rest0C" },
        "Integration": {
          "IntegrationHttpMethod": "POST", "Type": "AWS_PROXY", "TimeoutInMillis": 5000,
          "Uri": { "Fn::Join": ["", ["arn:", { "Ref": "AWS::Partition" }, ":apigateway:", { "Ref": "AWS::Region" },
            ":lambda:path/2015-03-31/functions/", { "Fn::GetAtt": ["Fn9270CBC0", "Arn"] }, "/invocations"]] }
        }
      }
    },
    "RestOPTIONS": {
      "Type": "AWS::ApiGateway::Method",
      "Properties": {
        "HttpMethod": "OPTIONS", "ResourceId": { "Fn::GetAtt": ["Rest0C", "RootResourceId"] },
        "RestApiId": { "Ref": "Rest0C" }, "Integration": { "Type": "MOCK" }
      }
    },
    "RestPUT": {
      "Type": "AWS::ApiGateway::Method",
      "Properties": {
        "HttpMethod": "PUT", "ResourceId": { "Fn::GetAtt": ["Rest0C", "RootResourceId"] },
        "RestApiId": { "Ref": "Rest0C" }, "Integration": { "Type": "HTTP_PROXY", "Uri": "https://example.com" }
      }
    },
    "Permission": {
      "Type": "AWS::Lambda::Permission",
      "Properties": { "Action": "lambda:InvokeFunction", "FunctionName": { "Fn::GetAtt": ["Fn9270CBC0", "Arn"] }, "Principal": "apigateway.amazonaws.com" }
    },
    "Socket": { "Type": "AWS::ApiGatewayV2::Api", "Properties": { "ProtocolType": "WEBSOCKET" } },
    "SocketConnect": {
      "Type": "AWS::ApiGatewayV2::Route",
      "Properties": { "ApiId": { "Ref": "Socket" }, "RouteKey": "$connect", "Target": "integrations/x" }
    }
  }
}"#;

#[test]
fn routes_of_the_cdk_lead_to_functions() {
    let template = Template::parse(CDK).unwrap();
    let function = &template.functions[0];
    let found = function.routes.iter().map(|route| {
        let stage = &route.settings.stage;
        let (mode, limit) = (route.mode, route.time_limit.as_millis());
        format!("{:?} {} {stage} {mode} {limit}", route.api, route.key())
    });
    let expected = [
        "Http GET /books/{id} live BUFFERED 30000",
        "Http $default live BUFFERED 7000",
        "Rest GET /items/{id} prod RESPONSE_STREAM 900000",
        "Rest ANY / prod BUFFERED 5000",
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let payloads = function.routes.iter().map(|route| route.has_payload_1);
    assert_eq!(payloads.collect::<Vec<_>>(), [false, true, false, false]);
    assert_eq!(function.routes[0].settings.variables["A"], "b");
    assert_eq!(template.binary_types, ["image/*"]);
    let expected = [
        "line 37: HttpDefault: AuthorizationType is ignored here (JWT); the route takes all requests",
        "line 41: Rest0C: its OPTIONS methods with the integration MOCK are not served",
        "line 86: RestPUT: its integration is not a function (AWS_PROXY); there is no such route",
        "line 97: Socket: its protocol is WebSocket; it is not served",
    ];
    assert_eq!(template.notes, expected);
}

#[test]
fn a_path_that_is_its_own_parent_has_no_route() {
    let template = Template::parse(
        r#"
Resources:
  F: { Type: AWS::Lambda::Function, Properties: { Handler: f, Runtime: provided.al2023 } }
  Loop:
    Type: AWS::ApiGateway::Resource
    Properties: { ParentId: !Ref Loop, PathPart: loop }
  Get:
    Type: AWS::ApiGateway::Method
    Properties: { HttpMethod: GET, ResourceId: !Ref Loop, Integration: { Type: AWS_PROXY, Uri: !GetAtt F.Arn } }
"#,
    )
    .unwrap();
    assert!(template.functions[0].routes.is_empty());
    assert_eq!(
        template.notes,
        ["line 7: Get: its path is not in the template; there is no such route"]
    );
}

#[test]
fn routes_of_a_document_lead_to_functions() {
    let template = Template::parse(
        r#"
Globals: { Api: { Variables: { LEVEL: info } } }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Get: { Type: Api, Properties: { Path: /a, Method: get, RestApiId: !Ref Rest } }
        Odd: { Type: Api, Properties: { Path: /b, Method: get, ResponseTransferMode: STREAM } }
        Rest: { Type: HttpApi, Properties: { Path: /$default, Method: any } }
  Rest:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      DefinitionBody:
        x-amazon-apigateway-binary-media-types: [image/png]
        paths:
          /a:
            parameters: []
            get: { x-amazon-apigateway-integration: &proxy { type: aws_proxy, uri: !Sub "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${F.Arn}/invocations" } }
            post: { x-amazon-apigateway-integration: { <<: *proxy, responseTransferMode: STREAM } }
            options: { x-amazon-apigateway-integration: { type: mock } }
            put: { responses: {} }
          /far:
            get: { x-amazon-apigateway-integration: { type: http_proxy, uri: "https://example.com" } }
            put: { x-amazon-apigateway-integration: { type: aws_proxy, uri: "arn:aws:lambda:us-east-1:1:function:other" } }
          /{proxy+}: { x-amazon-apigateway-any-method: { x-amazon-apigateway-integration: { <<: *proxy, timeoutInMillis: 4000 } } }
  Http:
    Type: AWS::ApiGatewayV2::Api
    Properties:
      Body:
        paths:
          /$default:
            x-amazon-apigateway-any-method:
              isDefaultRoute: true
              x-amazon-apigateway-integration: { <<: *proxy, payloadFormatVersion: "1.0" }
  File: { Type: AWS::Serverless::Api, Properties: { StageName: v1, DefinitionUri: openapi.yaml } }
"#,
    )
    .unwrap();
    let routes = template.functions[0].routes.iter().map(|route| {
        let settings = &route.settings;
        let variables = settings.variables.len();
        format!(
            "{:?} {} {} {} {} {variables} {}",
            route.api,
            route.key(),
            route.mode,
            route.time_limit.as_millis(),
            settings.stage,
            route.has_payload_1
        )
    });
    let expected = [
        "Rest GET /a BUFFERED 29000 v1 1 false",
        "Rest GET /b BUFFERED 29000 Prod 1 false",
        "Http $default BUFFERED 30000 $default 0 false",
        "Rest POST /a RESPONSE_STREAM 900000 v1 1 false",
        "Rest ANY /{proxy+} BUFFERED 4000 v1 1 false",
    ];
    assert_eq!(routes.collect::<Vec<_>>(), expected);
    assert_eq!(template.binary_types, ["image/png"]);
    let expected = [
        "line 10: F: the ResponseTransferMode STREAM of the event Odd is neither BUFFERED nor RESPONSE_STREAM; SAM ignores it",
        "line 12: Rest: its OPTIONS methods with the integration MOCK are not served",
        "line 12: Rest: the integration of GET /far is not a function (AWS_PROXY); there is no such route",
        "line 12: Rest: the function of PUT /far is not started here; there is no such route",
        "line 38: File: the routes of its DefinitionUri are not read",
    ];
    assert_eq!(template.notes, expected);
}

#[test]
fn settings_of_the_cdk_are_followed() {
    let template = Template::parse(
        r#"
Resources:
  F: { Type: AWS::Lambda::Function, Properties: { Handler: f, Runtime: provided.al2023 } }
  Key: { Type: AWS::ApiGateway::ApiKey, Properties: { Value: secret } }
  Rest: { Type: AWS::ApiGateway::RestApi, Properties: { MinimumCompressionSize: 10 } }
  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      ApiKeyRequired: true
      AuthorizationType: AWS_IAM
      HttpMethod: GET
      RestApiId: !Ref Rest
      ResourceId: !GetAtt Rest.RootResourceId
      Integration: { Type: AWS_PROXY, Uri: !GetAtt F.Arn }
  Put:
    Type: AWS::ApiGateway::Method
    Properties:
      AuthorizationType: CUSTOM
      HttpMethod: PUT
      RestApiId: !Ref Rest
      ResourceId: !GetAtt Rest.RootResourceId
      Integration: { Type: AWS_PROXY, Uri: !GetAtt F.Arn }
  Http:
    Type: AWS::ApiGatewayV2::Api
    Properties: { CorsConfiguration: { AllowOrigins: ["https://a.example", !ImportValue O] } }
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt F.Arn }
  HttpGet:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Http, RouteKey: GET /, Target: !Sub "integrations/${Integration}" }
  HttpPut:
    Type: AWS::ApiGatewayV2::Route
    Properties: { ApiId: !Ref Http, RouteKey: PUT /, Target: !Sub "integrations/${Integration}" }
"#,
    )
    .unwrap();
    let routes = &template.functions[0].routes;
    assert!(routes[0].needs_api_key && !routes[1].needs_api_key);
    assert_eq!(routes[0].authorization, Authorization::Signed);
    assert_eq!(routes[0].settings.auth.api_keys, ["secret"]);
    assert_eq!(routes[0].settings.minimum_compression, Some(10));
    let cors = routes[2].settings.cors.as_ref().unwrap();
    assert_eq!(cors.origins, ["https://a.example"]);
    let expected = [
        "line 18: Put: AuthorizationType is ignored here (CUSTOM); the route takes all requests",
        "line 23: Http: AllowOrigins has a value that only a deployment can tell; it is left out here",
    ];
    assert_eq!(template.notes, expected);
}

//! The settings of APIs and function URLs.

use super::*;

#[test]
fn unsupported_api_settings_become_notes() {
    let template = r#"
Globals:
  Api: { GatewayResponses: { DEFAULT_4XX: {} } }
  HttpApi: { CorsConfiguration: { AllowOrigins: [!Ref Site] } }
Resources:
  One: { Type: AWS::Serverless::Api, Properties: { StageName: v1, Variables: { A: b } } }
  Two: { Type: AWS::Serverless::Api, Properties: { StageName: Prod } }
  Three: { Type: AWS::Serverless::HttpApi, Properties: { StageName: $default } }
  Four: { Type: AWS::Serverless::HttpApi, Properties: { StageName: !Ref Stage } }
  Web:
    Type: AWS::Serverless::Function
    Properties:
      Handler: web
"#;
    let notes = Template::parse(template).unwrap().notes;
    let cors = "AllowOrigins has a value that only a deployment can tell; it is left out here";
    let expected = [
        &format!("line 4: Globals.HttpApi: {cors}"),
        &format!("line 8: Three: {cors}"),
        "line 9: Four: StageName is !Ref, which only a deployment can tell; it is $default here",
        &format!("line 9: Four: {cors}"),
        "line 3: Globals.Api: GatewayResponses is ignored here",
    ];
    assert_eq!(notes, expected);
}

#[test]
fn authorizers_that_are_not_followed_become_notes() {
    let template = r#"
Globals:
  Api:
    Auth:
      DefaultAuthorizer: Users
      Authorizers:
        Users: { UserPoolArn: !GetAtt Pool.Arn }
        Away: { FunctionArn: !ImportValue Arn }
  HttpApi:
    Auth:
      Authorizers:
        Tokens:
          IdentitySource: $request.header.Authorization
          JwtConfiguration: { issuer: !Sub "https://x/${Pool}", audience: [!Ref Client] }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Get: { Type: Api, Properties: { Path: /, Method: get, Auth: { Authorizer: Missing } } }
        Http: { Type: HttpApi, Properties: { Auth: { Authorizer: Tokens } } }
"#;
    let template = Template::parse(template).unwrap();
    let follows = "is not followed here; its routes take all requests";
    let only = "only a deployment can tell";
    let tokens = "of the authorizer Tokens; it is not compared here";
    let expected = [
        format!("line 3: Globals.Api: the authorizer Users {follows}"),
        format!("line 3: Globals.Api: the authorizer Away {follows}"),
        format!("line 9: Globals.HttpApi: {only} the issuer {tokens}"),
        format!("line 9: Globals.HttpApi: {only} the audience {tokens}"),
        "line 16: F: the event Get: the API does not have the authorizer Missing; the route takes all requests".to_owned(),
    ];
    assert_eq!(template.notes, expected);
    let routes = &template.functions[0].routes;
    assert_eq!(routes[0].authorization, Authorization::None);
    assert!(matches!(routes[1].authorization, Authorization::Jwt { .. }));
}

#[test]
fn settings_of_cors_are_read() {
    let template = r#"
Globals:
  HttpApi: { CorsConfiguration: true }
  Function:
    FunctionUrlConfig: { AuthType: NONE, Cors: { AllowOrigins: ["https://a.example"] } }
Resources:
  Rest:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      Cors: { AllowOrigin: "'*'", AllowHeaders: "'A,B'", MaxAge: "'600'", AllowCredentials: true }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      FunctionUrlConfig: { Cors: { AllowOrigins: ["https://b.example"], MaxAge: 5 } }
      Events:
        Rest: { Type: Api, Properties: { Path: /, Method: get, RestApiId: !Ref Rest } }
        Http: { Type: HttpApi }
"#;
    let template = Template::parse(template).unwrap();
    let function = &template.functions[0];
    let [rest, http] = [0, 1].map(|index| function.routes[index].settings.cors.clone().unwrap());
    assert_eq!(
        (&*rest.origins, &*rest.headers),
        (&["*".to_owned()][..], &["A,B".to_owned()][..])
    );
    assert_eq!(
        (rest.max_age.as_deref(), rest.has_credentials),
        (Some("600"), true)
    );
    assert_eq!(http.origins, ["*"]);
    let url = function.url_cors.as_ref().unwrap();
    assert_eq!(url.origins, ["https://a.example", "https://b.example"]);
    assert_eq!(url.max_age.as_deref(), Some("5"));
}

#[test]
fn the_routes_of_a_document_have_the_auth_of_their_api() {
    let template = r#"
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { Handler: f } }
  Rest:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      Auth:
        DefaultAuthorizer: Judge
        ApiKeyRequired: true
        AddDefaultAuthorizerToCorsPreflight: false
        Authorizers: { Judge: { FunctionArn: !GetAtt F.Arn } }
      DefinitionBody:
        paths:
          /a:
            get: { x-amazon-apigateway-integration: &proxy { type: aws_proxy, uri: !GetAtt F.Arn } }
            put: { security: [{ other: [] }], x-amazon-apigateway-integration: *proxy }
            options: { x-amazon-apigateway-integration: *proxy }
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Tokens
        Authorizers:
          Tokens: { JwtConfiguration: { issuer: "https://x", audience: [a] } }
      DefinitionBody:
        paths: { /b: { get: { x-amazon-apigateway-integration: *proxy } } }
"#;
    let template = Template::parse(template).unwrap();
    let routes = template.functions[0].routes.iter().map(|route| {
        let authorization = match &route.authorization {
            Authorization::None => "none",
            Authorization::Signed => "signed",
            Authorization::Lambda(authorizer) => &authorizer.name,
            Authorization::Jwt { authorizer, .. } => &authorizer.name,
        };
        format!("{} {authorization} {}", route.key(), route.needs_api_key)
    });
    let expected = [
        "GET /a Judge true",
        "PUT /a Judge true",
        "OPTIONS /a none true",
        "GET /b Tokens false",
    ];
    assert_eq!(routes.collect::<Vec<_>>(), expected);
    let note =
        "the security of PUT /a in its document is ignored here; the route has the Auth of the API";
    assert_eq!(template.notes, [format!("line 4: Rest: {note}")]);
}

#[test]
fn the_names_of_functions_are_taken_out_of_arns_with_aliases() {
    let template = r#"
Globals:
  Api:
    Auth:
      DefaultAuthorizer: Judge
      Authorizers: { Judge: { FunctionArn: !Sub "${Judge.Arn}:live" } }
Resources:
  Judge: { Type: AWS::Serverless::Function, Properties: { Handler: f, FunctionName: auth-function } }
  F:
    Type: AWS::Serverless::Function
    Properties: { Handler: f, Events: { Get: { Type: Api, Properties: { Path: /, Method: get } } } }
  Config:
    Type: AWS::Lambda::EventInvokeConfig
    Properties: { FunctionName: "auth-function:live", MaximumRetryAttempts: 1 }
  Url:
    Type: AWS::Lambda::Url
    Properties: { TargetFunctionArn: !Sub "${Judge.Arn}:live", AuthType: AWS_IAM }
"#;
    let template = Template::parse(template).unwrap();
    let Authorization::Lambda(authorizer) = &template.functions[1].routes[0].authorization else {
        panic!("{:?}", template.functions[1].routes);
    };
    assert_eq!(authorizer.function, "auth-function");
    assert_eq!(template.functions[0].asynchronous.retries, 1);
    assert!(template.functions[0].has_signed_url);
}

#[test]
fn made_up_values_of_a_jwt_authorizer_are_not_compared() {
    let template = r#"
Parameters: { Known: { Type: String, Default: a } }
Resources:
  Pool: { Type: AWS::Cognito::UserPool }
  Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        Authorizers:
          Pool:
            JwtConfiguration:
              Issuer: !Sub "https://cognito-idp.${AWS::Region}.amazonaws.com/${Pool}"
              audience: [!Ref Client, plain]
          Known:
            JwtConfiguration:
              issuer: !Sub "https://cognito-idp.${AWS::Region}.amazonaws.com/${Known}"
              audience: [!Ref Known]
          Stored:
            JwtConfiguration: { issuer: "{{resolve:ssm:issuer}}", audience: [a] }
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        A: { Type: HttpApi, Properties: { ApiId: !Ref Http, Path: /a, Method: get, Auth: { Authorizer: Pool } } }
        B: { Type: HttpApi, Properties: { ApiId: !Ref Http, Path: /b, Method: get, Auth: { Authorizer: Known } } }
        C: { Type: HttpApi, Properties: { ApiId: !Ref Http, Path: /c, Method: get, Auth: { Authorizer: Stored } } }
"#;
    let template = Template::parse(template).unwrap();
    let found = template.functions[0].routes.iter().map(|route| {
        let Authorization::Jwt { authorizer, .. } = &route.authorization else {
            panic!("{route:?}");
        };
        (authorizer.issuer.clone(), authorizer.audience.join(","))
    });
    let known = "https://cognito-idp.us-east-1.amazonaws.com/a".to_owned();
    let a = || "a".to_owned();
    let expected = [(None, String::new()), (Some(known), a()), (None, a())];
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let note = |key: &str, name: &str| {
        format!(
            "line 6: Http: only a deployment can tell the {key} of the authorizer {name}; it is not compared here"
        )
    };
    let expected = [
        note("issuer", "Pool"),
        note("audience", "Pool"),
        note("issuer", "Stored"),
    ];
    assert_eq!(template.notes, expected);
}

#[test]
fn a_validation_expression_that_cannot_be_read_becomes_a_note() {
    let template = r#"
Globals:
  Api:
    Auth:
      Authorizers:
        Look: { FunctionArn: !GetAtt F.Arn, Identity: { ValidationExpression: "(?=a)b" } }
        Good: { FunctionArn: !GetAtt F.Arn, Identity: { ValidationExpression: "^a|b$" } }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Look: { Type: Api, Properties: { Path: /a, Method: get, Auth: { Authorizer: Look } } }
        Good: { Type: Api, Properties: { Path: /b, Method: get, Auth: { Authorizer: Good } } }
"#;
    let template = Template::parse(template).unwrap();
    let [note] = &template.notes[..] else {
        panic!("{:?}", template.notes);
    };
    let start = "line 3: Globals.Api: the ValidationExpression of the authorizer Look cannot be read here; all tokens are allowed: ";
    assert!(note.starts_with(start), "{note}");
    let patterns = template.functions[0].routes.iter().map(|route| {
        let Authorization::Lambda(authorizer) = &route.authorization else {
            panic!("{route:?}");
        };
        match &authorizer.event {
            AuthorizerEvent::Token(pattern) => pattern.clone(),
            event => panic!("{event:?}"),
        }
    });
    let [look, good] = &patterns.collect::<Vec<_>>()[..] else {
        panic!("{:?}", template.functions[0].routes);
    };
    assert_eq!(*look, None);
    let good = good.as_ref().unwrap();
    assert!(good.takes("a token") && good.takes("b") && !good.takes("c"));
}

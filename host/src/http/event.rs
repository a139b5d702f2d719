//! The events of all event sources in one type, so that an event is read once, before its source is known. The file of each
//! source names AWS's page about its event.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::json::{Fields, Flag, Items, Text, object};

object! {
    /// An event.
    Event<'a> with EventFields {
        version: Text<'a> = "version";
        /// The method, but for Lattice.
        http_method: Text<'a> = "httpMethod";
        /// The method, from Lattice.
        method: Text<'a> = "method";
        path: Text<'a> = "path";
        raw_path: Text<'a> = "rawPath" | "raw_path";
        raw_query_string: Text<'a> = "rawQueryString";
        resource: Text<'a> = "resource";
        route_key: Text<'a> = "routeKey";
        path_parameters: Fields<'a> = "pathParameters";
        query: Fields<'a> = "queryStringParameters" | "query_string_parameters";
        multi_value_query: Fields<'a> = "multiValueQueryStringParameters";
        headers: Fields<'a> = "headers";
        multi_value_headers: Fields<'a> = "multiValueHeaders";
        cookies: Items<Text<'a>> = "cookies";
        stage_variables: Fields<'a> = "stageVariables";
        /// Its JSON is passed on, so it is kept.
        request_context: &'a RawValue = "requestContext";
        body: Text<'a> = "body";
        is_base64_encoded: Flag = "isBase64Encoded" | "is_base64_encoded";
        /// The resource that an authorizer decides about. Its event looks like a request, and its response is not HTTP.
        authorized_arn: IgnoredAny = "methodArn" | "routeArn";
    }
}

object! {
    /// The event source's description of a request.
    Context<'a> with ContextFields {
        account_id: Text<'a> = "accountId";
        api_id: Text<'a> = "apiId";
        domain_name: Text<'a> = "domainName";
        stage: Text<'a> = "stage";
        /// Only a REST API sends it: an HTTP API sends null.
        resource_id: Text<'a> = "resourceId";
        request_id: Text<'a> = "requestId";
        identity: Identity<'a> = "identity";
        /// It has another shape for each kind of authorizer.
        authorizer: &'a RawValue = "authorizer";
        authentication: Authentication<'a> = "authentication";
        http: Http<'a> = "http";
        elb: IgnoredAny = "elb";
        service_network_arn: IgnoredAny = "serviceNetworkArn";
        /// Only a WebSocket API sends it. Its events look like a REST API's and are not requests.
        connection_id: IgnoredAny = "connectionId";
    }
}

object! {
    /// The request line, from payload 2.0.
    Http<'a> {
        method: Text<'a> = "method";
        path: Text<'a> = "path";
        source_ip: Text<'a> = "sourceIp";
        user_agent: Text<'a> = "userAgent";
    }
}

object! {
    /// The client, from REST APIs and Lattice.
    Identity<'a> {
        source_ip: Text<'a> = "sourceIp";
        user_agent: Text<'a> = "userAgent";
        account_id: Text<'a> = "accountId";
        access_key: Text<'a> = "accessKey";
        caller: Text<'a> = "caller" | "principal";
        user: Text<'a> = "user";
        user_arn: Text<'a> = "userArn";
        principal_org_id: Text<'a> = "principalOrgId" | "principalOrgID";
        api_key: Text<'a> = "apiKey";
        api_key_id: Text<'a> = "apiKeyId";
        cognito_identity_id: Text<'a> = "cognitoIdentityId";
        cognito_identity_pool_id: Text<'a> = "cognitoIdentityPoolId";
        cognito_authentication_type: Text<'a> = "cognitoAuthenticationType";
        cognito_authentication_provider: Text<'a> = "cognitoAuthenticationProvider";
        vpc_id: Text<'a> = "vpcId";
        vpc_arn: Text<'a> = "sourceVpcArn";
        client_cert: ClientCert<'a> = "clientCert";
    }
}

object! {
    /// Mutual TLS, from HTTP APIs.
    Authentication<'a> {
        client_cert: ClientCert<'a> = "clientCert";
    }
}

object! {
    /// A client's certificate.
    ClientCert<'a> {
        pem: Text<'a> = "clientCertPem";
        subject: Text<'a> = "subjectDN";
        issuer: Text<'a> = "issuerDN";
        serial_number: Text<'a> = "serialNumber";
        validity: Validity<'a> = "validity";
    }
}

object! {
    /// When a certificate is valid.
    Validity<'a> {
        not_before: Text<'a> = "notBefore";
        not_after: Text<'a> = "notAfter";
    }
}

object! {
    /// The authorizers of payload 2.0, by their kinds.
    Authorizers<'a> {
        jwt: &'a RawValue = "jwt";
        lambda: &'a RawValue = "lambda";
        iam: Iam<'a> = "iam";
    }
}

object! {
    /// The identity that IAM found, from payload 2.0.
    Iam<'a> {
        access_key: Text<'a> = "accessKey";
        account_id: Text<'a> = "accountId";
        caller_id: Text<'a> = "callerId";
        cognito_identity: CognitoIdentity<'a> = "cognitoIdentity";
        principal_org_id: Text<'a> = "principalOrgId";
        user_arn: Text<'a> = "userArn";
        user_id: Text<'a> = "userId";
    }
}

object! {
    /// The Cognito identity that signed a request, from payload 2.0.
    CognitoIdentity<'a> {
        amr: Items<Text<'a>> = "amr";
        identity_id: Text<'a> = "identityId";
        identity_pool_id: Text<'a> = "identityPoolId";
    }
}

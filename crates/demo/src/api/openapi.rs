//! The `OpenAPI` 3.1 document, made from the table of routes, their policies and the types of the
//! answers.

use doorward_policy::{Policy, PolicyDescription};
use doorward_protocol::metadata::OPENID_CONFIGURATION_PATH;
use doorward_resource_server::ExpiredStatus;
use serde_json::json;
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{
        ComponentsBuilder, Content, HeaderBuilder, HttpMethod, InfoBuilder, Object, OpenApi,
        OpenApiBuilder, PathItem, PathsBuilder, Ref, Response, ResponseBuilder, Type,
        extensions::ExtensionsBuilder,
        path::OperationBuilder,
        security::{OpenIdConnect, SecurityRequirement, SecurityScheme},
        tag::TagBuilder,
    },
};

use super::{DemoAnswer, Description};
use crate::DemoGroup;

/// The name of the security scheme.
const SCHEME: &str = "oidc";
const JSON: &str = "application/json";
/// The extension that carries an operation's policies: a list of `PolicyDescription`.
const POLICIES: &str = "x-policies";

/// Each refusal: its name in this document, its status and when it is answered.
const REFUSALS: [(&str, &str, &str); 5] = [
    (
        "Malformed",
        "400",
        "The `Authorization` header was sent twice, or is not well-formed (RFC 6750 section 2.1).",
    ),
    (
        "Unauthorized",
        "401",
        concat!(
            "There is no access token, or it is not accepted, or the call needs a stronger or a ",
            "more recent sign-in: `WWW-Authenticate` says which."
        ),
    ),
    ("Expired", "498", "The access token expired."),
    ("Forbidden", "403", "The caller does not meet a policy: the body has the reasons."),
    (
        "Unavailable",
        "503",
        concat!(
            "The issuer can't be reached, so the token can't be verified: `Retry-After` says when ",
            "to try again."
        ),
    ),
];

// The library's `RefusalBody` is described here, so that the library needs no OpenAPI crate.
/// The body of a refusal: the members of RFC 6749 section 5.2, and the reasons of a denial.
#[derive(ToSchema)]
#[allow(dead_code)] // It is only described, never made.
#[schema(as = Refusal)]
struct RefusalSchema {
    /// The code: `unauthorized`, `invalid_request`, `invalid_token`, `invalid_dpop_proof`,
    /// `insufficient_user_authentication`, `insufficient_scope`, `access_denied` or
    /// `temporarily_unavailable`.
    error: String,
    /// A sentence for a human.
    error_description: String,
    /// What the caller lacks, such as "needs department Sales"; only for a denial.
    #[schema(required = false)]
    reasons: Vec<String>,
    /// The same as data; only for a denial.
    #[schema(required = false, value_type = Vec<Object>)]
    unmet: Vec<String>,
}

/// The document.
pub fn document(description: &Description) -> OpenApi {
    let refusals = REFUSALS.into_iter().filter(|(name, ..)| {
        *name != "Expired" || description.expired_status != ExpiredStatus::Unauthorized
    });
    let refusals: Vec<_> = refusals.collect();
    let paths = crate::routes().iter().fold(PathsBuilder::new(), |paths, route| {
        let policies: Vec<PolicyDescription> =
            route.policies.iter().map(Policy::describe).collect();
        let operation = OperationBuilder::new()
            .tag(route.group.title())
            .operation_id(Some(operation_id(&route.path)))
            .summary(Some(route.title))
            .description(Some(format!("{} {}", route.summary, needs(&policies))))
            .security(SecurityRequirement::new(SCHEME, [] as [&str; 0]))
            .extensions(Some(ExtensionsBuilder::new().add(POLICIES, json!(policies)).build()))
            .response(
                "200",
                Response::builder()
                    .description("The caller may.")
                    .content(JSON, content("DemoAnswer")),
            );
        // A route without policies denies no authenticated caller, and one that needs only another
        // sign-in asks for it by 401.
        let denies = !policies.is_empty() && route.group != DemoGroup::StepUp;
        let possible = refusals.iter().filter(|(name, ..)| *name != "Forbidden" || denies);
        let operation = possible.fold(operation, |operation, (name, status, _)| {
            operation.response(*status, Ref::from_response_name(*name))
        });
        paths.path(&route.path, PathItem::new(HttpMethod::Get, operation))
    });
    let components = ComponentsBuilder::new()
        .schema("DemoAnswer", DemoAnswer::schema())
        .schema("Refusal", RefusalSchema::schema())
        .security_scheme(SCHEME, SecurityScheme::OpenIdConnect(scheme(&description.issuer)));
    let components = refusals.iter().fold(components, |components, (name, _, description)| {
        components.response(*name, refusal(name, description))
    });
    let info = InfoBuilder::new()
        .title("Doorward demo API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(concat!(
            "Nineteen routes, each behind policies that the page knows, too. Every operation ",
            "lists its own in `x-policies`. The last two may ask for another sign-in (RFC 9470)."
        )));
    let tags = DemoGroup::ALL.map(DemoGroup::title);
    OpenApiBuilder::new()
        .info(info.build())
        .tags(Some(tags.map(|name| TagBuilder::new().name(name).build())))
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

/// `/api/DemoPolicyBased/Sales/Admin/Get` is `PolicyBased_Sales_Admin`.
fn operation_id(path: &str) -> String {
    path.trim_start_matches("/api/Demo").trim_end_matches("/Get").replace('/', "_")
}

fn needs(policies: &[PolicyDescription]) -> String {
    let needs: Vec<String> =
        policies.iter().map(|policy| format!("it needs {}", policy.needs)).collect();
    if needs.is_empty() {
        "Any valid access token will do.".to_owned()
    } else {
        format!("In short, {}.", needs.join(", and "))
    }
}

fn scheme(issuer: &str) -> OpenIdConnect {
    OpenIdConnect::with_description(
        format!("{}{OPENID_CONFIGURATION_PATH}", issuer.trim_end_matches('/')),
        "An access token of this issuer in the header `Authorization: Bearer …`, or `DPoP …` with \
         its proof if it is bound to a key."
            .to_owned(),
    )
}

fn refusal(name: &str, description: &str) -> Response {
    let text = || Object::with_type(Type::String);
    let response =
        ResponseBuilder::new().description(description).content(JSON, content("Refusal"));
    let header = match name {
        "Unavailable" => ("Retry-After", "Seconds to wait.", Object::with_type(Type::Integer)),
        "Forbidden" => (
            "WWW-Authenticate",
            "A challenge, if more scope would help (RFC 6750 section 3.1).",
            text(),
        ),
        _ => (
            "WWW-Authenticate",
            "The challenges (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9470 section 3).",
            text(),
        ),
    };
    let (header, description, schema) = header;
    response
        .header(header, HeaderBuilder::new().schema(schema).description(Some(description)).build())
        .build()
}

fn content(name: &str) -> Content {
    Content::new(Some(Ref::from_schema_name(name)))
}

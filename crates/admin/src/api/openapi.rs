//! The `OpenAPI` 3.1 document, made from the table of operations, their policies and the types of
//! requests and answers.

use std::fmt::Write as _;

use doorward_protocol::metadata::OPENID_CONFIGURATION_PATH;
use doorward_provider::audit::{ActorKind, Outcome};
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, ComponentsBuilder, Content, HttpMethod, InfoBuilder, ObjectBuilder, OpenApi,
        OpenApiBuilder, PathItem, PathsBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
        Schema, Type,
        extensions::ExtensionsBuilder,
        path::{Operation as PathOperation, OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        security::{OpenIdConnect, SecurityRequirement, SecurityScheme},
    },
};

use super::{
    BASE_PATH, clients, directories, events, groups, identity_providers, invitations, keys, outbox,
    problem::{FieldError, ProblemDetails},
    registration, resources, system, users,
};
use crate::{AdminRole, FreshSignIn, Method, Operation};

const SCHEME: &str = "oidc";
const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";
/// The extension that carries an operation's policy.
const POLICY: &str = "x-policy";

/// Every status that an operation may refuse with, and when.
const REFUSALS: [(&str, &str); 12] = [
    ("400", "The body or the query can't be read."),
    (
        "401",
        "There is no access token, or it is not accepted, or the operation needs a stronger or a \
         more recent sign-in: `WWW-Authenticate` says which (RFC 9470).",
    ),
    ("403", "The caller may not do this, or not to this object."),
    ("404", "There is no such object."),
    ("409", "The request contradicts what is stored, or the configuration defines the object."),
    ("412", "The object has changed since it was read: `changed` says what."),
    ("413", "The body has more than 65,536 bytes."),
    ("415", "The body is not JSON."),
    ("422", "A value is not valid: `errors` names it."),
    ("428", "The header `If-Match` is missing."),
    ("429", "Too many requests: `Retry-After` says when to try again."),
    ("503", "The database or the issuer can't be reached now."),
];

/// What an operation answers with when it succeeds: the status and the schema.
fn answer_of(operation: Operation) -> (&'static str, Option<RefOr<Schema>>) {
    use Operation as O;
    match operation {
        O::Me => ("200", Some(named::<system::MeView>())),
        O::Overview => ("200", Some(named::<system::OverviewView>())),
        O::Activity => ("200", Some(named::<system::ActivityView>())),
        O::ReadConfiguration => ("200", Some(named::<system::ConfigurationView>())),
        O::ListUsers => ("200", Some(page_of::<users::UserRow>())),
        O::CreateUser => ("201", Some(named::<users::UserView>())),
        O::ReadUser | O::ChangeUser | O::SetAdminRole => ("200", Some(named::<users::UserView>())),
        O::ReadFactors | O::ResetFactors => ("200", Some(named::<users::FactorsView>())),
        O::ListPasskeys => ("200", Some(page_of::<users::PasskeyRow>())),
        O::ListLinks => ("200", Some(page_of::<users::LinkRow>())),
        O::AddLink => ("201", Some(named::<users::LinkRow>())),
        O::ListSessions => ("200", Some(page_of::<users::SessionRow>())),
        O::EndSessions => ("200", Some(object_with_count("ended"))),
        O::ListGrants => ("200", Some(page_of::<users::GrantRow>())),
        O::ListAccountEvents => ("200", Some(page_of::<users::EventRow>())),
        O::ListInvitations => ("200", Some(page_of::<invitations::InvitationRow>())),
        O::CreateInvitation => ("201", Some(named::<invitations::CreatedInvitation>())),
        O::ListGroups => ("200", Some(page_of::<groups::GroupView>())),
        O::CreateGroup => ("201", Some(named::<groups::GroupView>())),
        O::ReadGroup | O::ChangeGroup => ("200", Some(named::<groups::GroupView>())),
        O::ListMembers => ("200", Some(page_of::<groups::MemberRow>())),
        O::ListEvents => ("200", Some(page_of::<events::EventRecord>())),
        // A line each.
        O::ExportEvents => ("200", Some(named::<events::EventRecord>())),
        O::ListDirectories => ("200", Some(page_of::<directories::DirectoryRow>())),
        O::ListDirectoryUsers => ("200", Some(named::<directories::DirectoryUsers>())),
        O::CreateDirectoryUser => ("201", Some(named::<directories::DirectoryUserView>())),
        O::ReadDirectoryUser | O::ChangeDirectoryUser => {
            ("200", Some(named::<directories::DirectoryUserView>()))
        }
        O::ListDirectoryGroups => ("200", Some(named::<directories::DirectoryGroups>())),
        O::ListClients => ("200", Some(page_of::<clients::ClientRow>())),
        O::CreateClient => ("201", Some(named::<clients::CreatedClient>())),
        O::ReadClient | O::ChangeClient => ("200", Some(named::<clients::ClientView>())),
        O::ListSecrets => ("200", Some(page_of::<clients::SecretRow>())),
        O::AddSecret => ("201", Some(named::<clients::CreatedSecret>())),
        O::ListRegisteredClients => ("200", Some(page_of::<registration::RegisteredClientRow>())),
        O::ListRegistrationTokens => ("200", Some(page_of::<registration::RegistrationTokenRow>())),
        O::AddRegistrationToken => ("201", Some(named::<registration::CreatedRegistrationToken>())),
        O::ListResources => ("200", Some(named::<resources::ResourcesView>())),
        O::ListIdentityProviders => {
            ("200", Some(page_of::<identity_providers::IdentityProviderRow>()))
        }
        O::CreateIdentityProvider => {
            ("201", Some(named::<identity_providers::IdentityProviderView>()))
        }
        O::ReadIdentityProvider | O::ChangeIdentityProvider => {
            ("200", Some(named::<identity_providers::IdentityProviderView>()))
        }
        O::CheckIdentityProvider => {
            ("200", Some(named::<identity_providers::CheckedIdentityProvider>()))
        }
        O::ListKeys => ("200", Some(page_of::<keys::KeyRow>())),
        O::RotateKeys => ("201", Some(named::<keys::Rotated>())),
        O::ListMails => ("200", Some(page_of::<outbox::MailRow>())),
        O::ResetPassword | O::RetryMail => ("202", None),
        O::RemoveUser
        | O::RemovePasskey
        | O::RemoveLink
        | O::RemoveRegisteredClient
        | O::RemoveRegistrationToken
        | O::EndSession
        | O::RevokeGrant
        | O::WithdrawInvitation
        | O::RemoveGroup
        | O::AddMember
        | O::RemoveMember
        | O::SetDirectoryPassword
        | O::AddDirectoryMember
        | O::RemoveDirectoryMember
        | O::RemoveClient
        | O::RemoveSecret
        | O::RemoveIdentityProvider
        | O::RetireKey => ("204", None),
    }
}

/// The body that an operation takes.
fn body_of(operation: Operation) -> Option<RefOr<Schema>> {
    use Operation as O;
    match operation {
        O::CreateUser => Some(named::<users::NewUser>()),
        O::ChangeUser => Some(named::<users::UserChanges>()),
        O::SetAdminRole => Some(named::<users::AdminRoleBody>()),
        O::AddLink => Some(named::<users::NewLink>()),
        O::CreateInvitation => Some(named::<invitations::NewInvitation>()),
        O::CreateGroup => Some(named::<groups::NewGroup>()),
        O::ChangeGroup => Some(named::<groups::GroupChanges>()),
        O::CreateDirectoryUser => Some(named::<directories::NewDirectoryUser>()),
        O::ChangeDirectoryUser => Some(named::<directories::DirectoryUserChanges>()),
        O::SetDirectoryPassword => Some(named::<directories::DirectoryPassword>()),
        O::CreateClient => Some(named::<clients::NewClient>()),
        O::ChangeClient => Some(named::<clients::ClientChanges>()),
        O::AddSecret => Some(named::<clients::NewSecret>()),
        O::AddRegistrationToken => Some(named::<registration::NewRegistrationToken>()),
        O::CreateIdentityProvider => Some(named::<identity_providers::NewIdentityProvider>()),
        O::ChangeIdentityProvider => Some(named::<identity_providers::IdentityProviderChanges>()),
        _ => None,
    }
}

/// The document.
pub fn document(issuer: &str, fresh: &FreshSignIn) -> OpenApi {
    let paths = Operation::ALL.iter().fold(PathsBuilder::new(), |paths, &operation| {
        let item = PathItem::new(method(operation.method()), described(operation, fresh));
        paths.path(format!("{BASE_PATH}{}", operation.path()), item)
    });
    let info = InfoBuilder::new()
        .title("Doorward administration")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Everything that the commands do, for people and for machines. Lists come in pages; a \
             change of an object that others may change, too, names the state that it is about by \
             `If-Match`; a creation may be repeated under an `Idempotency-Key`. Problems are \
             answered as RFC 9457 says. Timestamps are seconds since 1970.",
        ));
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths)
        .components(Some(components(issuer).build()))
        .build()
}

fn components(issuer: &str) -> ComponentsBuilder {
    let schemas = vec![
        schema::<ProblemDetails>(),
        schema::<FieldError>(),
        schema::<AdminRole>(),
        schema::<system::MeView>(),
        schema::<system::MeOperation>(),
        schema::<system::OverviewView>(),
        schema::<system::Trouble>(),
        schema::<system::ActivityView>(),
        schema::<system::ActivityHour>(),
        schema::<system::ConfigurationView>(),
        schema::<users::UserRow>(),
        schema::<users::UserView>(),
        schema::<users::NewUser>(),
        schema::<users::UserChanges>(),
        schema::<users::AdminRoleBody>(),
        schema::<users::FactorsView>(),
        schema::<users::PasskeyRow>(),
        schema::<users::LinkRow>(),
        schema::<users::NewLink>(),
        schema::<users::SessionRow>(),
        schema::<users::GrantRow>(),
        schema::<users::EventRow>(),
        schema::<invitations::InvitationRow>(),
        schema::<invitations::NewInvitation>(),
        schema::<invitations::Language>(),
        schema::<invitations::CreatedInvitation>(),
        schema::<groups::GroupView>(),
        schema::<groups::NewGroup>(),
        schema::<groups::GroupChanges>(),
        schema::<groups::MemberRow>(),
        schema::<directories::DirectoryRow>(),
        schema::<directories::DirectoryUsers>(),
        schema::<directories::DirectoryUserRow>(),
        schema::<directories::DirectoryUserView>(),
        schema::<directories::NewDirectoryUser>(),
        schema::<directories::DirectoryUserChanges>(),
        schema::<directories::DirectoryPassword>(),
        schema::<directories::DirectoryGroups>(),
        schema::<directories::DirectoryGroupRow>(),
        schema::<events::EventRecord>(),
        schema::<clients::ClientRow>(),
        schema::<clients::ClientView>(),
        schema::<clients::NewClient>(),
        schema::<clients::ClientChanges>(),
        schema::<clients::CreatedClient>(),
        schema::<clients::SecretRow>(),
        schema::<clients::NewSecret>(),
        schema::<clients::CreatedSecret>(),
        schema::<registration::RegisteredClientRow>(),
        schema::<registration::RegistrationTokenRow>(),
        schema::<registration::NewRegistrationToken>(),
        schema::<registration::CreatedRegistrationToken>(),
        schema::<resources::ResourcesView>(),
        schema::<resources::IdentityView>(),
        schema::<resources::ApiView>(),
        schema::<resources::ScopeView>(),
        schema::<identity_providers::IdentityProviderRow>(),
        schema::<identity_providers::IdentityProviderView>(),
        schema::<identity_providers::NewIdentityProvider>(),
        schema::<identity_providers::IdentityProviderChanges>(),
        schema::<identity_providers::CheckedIdentityProvider>(),
        schema::<identity_providers::CheckStep>(),
        schema::<keys::KeyRow>(),
        schema::<keys::Rotated>(),
        schema::<outbox::MailRow>(),
    ];
    let url = format!("{}{OPENID_CONFIGURATION_PATH}", issuer.trim_end_matches('/'));
    let scheme = OpenIdConnect::with_description(
        url,
        "An access token of this issuer with the audience admin, in the header `Authorization: \
         Bearer …`, or `DPoP …` with its proof."
            .to_owned(),
    );
    let components =
        ComponentsBuilder::new().security_scheme(SCHEME, SecurityScheme::OpenIdConnect(scheme));
    let components = schemas
        .into_iter()
        .fold(components, |components, (name, schema)| components.schema(name, schema));
    REFUSALS.iter().fold(components, |components, (status, when)| {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        let response = ResponseBuilder::new().description(*when).content(PROBLEM, content);
        components.response(refusal_name(status), response.build())
    })
}

fn refusal_name(status: &str) -> String {
    format!("Problem{status}")
}

fn described(operation: Operation, fresh: &FreshSignIn) -> PathOperation {
    let policy = operation.policy(fresh).describe();
    let (status, answer) = answer_of(operation);
    let mut success = Response::builder().description("Done.");
    if let Some(schema) = answer {
        let kind = if operation == Operation::ExportEvents { events::JSON_LINES } else { JSON };
        success = success.content(kind, Content::new(Some(schema)));
    }
    let described = OperationBuilder::new()
        .tag(operation.path().split('/').nth(1).unwrap_or_default())
        .operation_id(Some(operation.name()))
        .summary(Some(operation.summary()))
        .description(Some(notes(operation, &policy.needs.to_string())))
        .security(SecurityRequirement::new(SCHEME, [operation.scope().name()]))
        .extensions(Some(ExtensionsBuilder::new().add(POLICY, json!(policy)).build()))
        .response(status, success.build());
    let described = parameters(operation).into_iter().fold(described, OperationBuilder::parameter);
    let body = body_of(operation).map(|schema| {
        let content = Content::new(Some(schema));
        RequestBodyBuilder::new().content(JSON, content).required(Some(Required::True)).build()
    });
    let described = described.request_body(body);
    let refusals = REFUSALS.iter().filter(|(status, _)| may_refuse(operation, status));
    refusals
        .fold(described, |described, (status, _)| {
            described.response(*status, Ref::from_response_name(refusal_name(status)))
        })
        .build()
}

fn notes(operation: Operation, needs: &str) -> String {
    let mut notes = format!("It needs {needs}.");
    if let Some(command) = operation.command() {
        let _ = write!(notes, " The command `doorward {command}` does the same.");
    }
    notes
}

/// Whether an operation takes a body.
pub fn takes_body(operation: Operation) -> bool {
    body_of(operation).is_some()
}

fn may_refuse(operation: Operation, status: &str) -> bool {
    let takes_body = takes_body(operation);
    match status {
        "415" => takes_body,
        "413" | "422" => takes_body || operation.creates(),
        "412" | "428" => operation.is_guarded(),
        "409" => operation.kind() == crate::OperationKind::Change,
        "404" => operation.path().contains('{'),
        _ => true,
    }
}

fn parameters(operation: Operation) -> Vec<utoipa::openapi::path::Parameter> {
    let named = |name: &str, place: ParameterIn, required: bool, about: &str, schema: Schema| {
        let required = if required { Required::True } else { Required::False };
        ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(required)
            .description(Some(about))
            .schema(Some(schema))
            .build()
    };
    let text = || Schema::Object(ObjectBuilder::new().schema_type(Type::String).build());
    let limited = |least: usize, most: usize, pattern: &str| {
        let object = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(least))
            .max_length(Some(most))
            .pattern(Some(pattern));
        Schema::Object(object.build())
    };
    let placeholders = operation.path().split(['{', '}']).skip(1).step_by(2);
    let mut all: Vec<_> = placeholders
        .map(|name| named(name, ParameterIn::Path, true, "Which one.", text()))
        .collect();
    let mut query = |name: &str, about: &str, schema: Schema| {
        all.push(named(name, ParameterIn::Query, false, about, schema));
    };
    let has_limit = is_paged(operation) || operation == Operation::ListDirectoryGroups;
    if has_limit {
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(200))
            .default(Some(json!(50)));
        query("limit", "How many rows.", Schema::Object(number.build()));
    }
    if is_paged(operation) {
        let cursor = limited(1, 2048, "^[A-Za-z0-9_-]+$");
        query("cursor", "The `next` of the page before.", cursor);
    }
    if operation == Operation::ListUsers {
        let one_of = |values: &[&str]| {
            let object = ObjectBuilder::new().schema_type(Type::String);
            Schema::Object(object.enum_values(Some(values.iter().copied())).build())
        };
        query("sort", "What to sort by.", one_of(&["username", "email", "name"]));
        query("prefix", "The beginning of what is sorted by.", text());
        let filters = one_of(&["all", "enabled", "disabled", "administrators"]);
        query("filter", "Which users. The last two are sorted by username only.", filters);
    }
    if let Some(searched) = searched_by(operation) {
        let prefix = limited(0, 255, "^[^\\u0000-\\u001f\\u007f-\\u009f]*$");
        query("prefix", searched, prefix);
    }
    if matches!(operation, Operation::ListDirectoryUsers | Operation::ListDirectoryGroups) {
        query("prefix", "The beginning of a name.", text());
    }
    if matches!(operation, Operation::ListEvents | Operation::ExportEvents) {
        for (name, about) in events::TEXTS {
            query(name, about, limited(0, 512, "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"));
        }
        let one_of = |values: &mut dyn Iterator<Item = &'static str>| {
            let object = ObjectBuilder::new().schema_type(Type::String);
            Schema::Object(object.enum_values(Some(values)).build())
        };
        let outcomes = one_of(&mut Outcome::ALL.into_iter().map(Outcome::as_str));
        query("outcome", "How it ended.", outcomes);
        let kinds = one_of(&mut ActorKind::ALL.into_iter().map(ActorKind::as_str));
        query("actor_kind", "What kind of actor.", kinds);
        let seconds = || Schema::Object(ObjectBuilder::new().schema_type(Type::Integer).build());
        query("from", "From this timestamp on.", seconds());
        query("until", "Before this timestamp.", seconds());
        if operation == Operation::ExportEvents {
            let orders = one_of(&mut events::ORDERS.into_iter());
            query("order", "Which record comes first. The latest, if nothing is said.", orders);
        }
    }
    if operation == Operation::RetireKey {
        let flag = ObjectBuilder::new().schema_type(Type::Boolean).build();
        query("replace", "Also a key that signs.", Schema::Object(flag));
    }
    if operation.is_guarded() {
        let about = "The ETag of the object as it was read.";
        let tag = limited(2, 2048, "^\"[A-Za-z0-9_.-]*\"$");
        all.push(named("If-Match", ParameterIn::Header, true, about, tag));
    }
    if operation.creates() {
        let about = "A name of this request: sent again, it creates nothing and gets the same \
                     answer for a day.";
        let key = limited(1, 255, "^[!-~]+$");
        all.push(named("Idempotency-Key", ParameterIn::Header, false, about, key));
    }
    all
}

/// What a list is searched by.
fn searched_by(operation: Operation) -> Option<&'static str> {
    match operation {
        Operation::ListClients | Operation::ListRegisteredClients => {
            Some("The beginning of a client_id. The case counts.")
        }
        Operation::ListGroups => Some("The beginning of a name. The case counts."),
        Operation::ListMembers => Some("The beginning of a user name, in any case."),
        Operation::ListInvitations | Operation::ListMails => {
            Some("The beginning of an address, in any case.")
        }
        _ => None,
    }
}

/// Whether a list has parameters of pages.
fn is_paged(operation: Operation) -> bool {
    use Operation as O;
    matches!(
        operation,
        O::ListUsers
            | O::ListSessions
            | O::ListGrants
            | O::ListAccountEvents
            | O::ListInvitations
            | O::ListGroups
            | O::ListMembers
            | O::ListDirectoryUsers
            | O::ListClients
            | O::ListRegisteredClients
            | O::ListRegistrationTokens
            | O::ListIdentityProviders
            | O::ListEvents
            | O::ListMails
    )
}

fn method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Put => HttpMethod::Put,
        Method::Patch => HttpMethod::Patch,
        Method::Delete => HttpMethod::Delete,
    }
}

fn schema<T: ToSchema + PartialSchema>() -> (String, RefOr<Schema>) {
    (T::name().into_owned(), T::schema())
}

fn named<T: ToSchema>() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

/// A page of rows of this type.
fn page_of<T: ToSchema>() -> RefOr<Schema> {
    let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
    let next = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The cursor of the next page, if there is one."));
    let page = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("items", items)
        .property("next", next)
        .required("items");
    RefOr::T(Schema::Object(page.build()))
}

fn object_with_count(name: &str) -> RefOr<Schema> {
    let count = ObjectBuilder::new().schema_type(Type::Integer);
    let object =
        ObjectBuilder::new().schema_type(Type::Object).property(name, count).required(name);
    RefOr::T(Schema::Object(object.build()))
}

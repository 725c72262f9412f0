//! `[[identity_providers]]`: other providers by which users sign in.

use doorward_admin::types::identity_provider_settings::PresetIssuer;
use doorward_protocol::metadata::ProviderMetadata;
use doorward_provider::{
    model::{
        identity_provider::{self, IdentityProvider, IdentityProviderName, ProviderMark, ScimLink},
        paths,
    },
    use_case::upstream::CLOCK_TOLERANCE,
};
use doorward_relying_party::{Settings, client::settings::ClaimsFilter};

use super::{
    super::{
        ConfigErrors, SettingSources, UpstreamConfig,
        error::Mistakes,
        file::{ConfigFile, IdentityProviderSettings, Preset},
    },
    Wrong,
    provider_credentials::{CredentialSource, authenticate},
};
use crate::provider::upstream::{CONSENT, SELECT_ACCOUNT, SUB};

/// The key of the list.
const LIST: &str = "identity_providers";
const ENTRA: &str = "https://login.microsoftonline.com";
/// The parameters of an authorization request that are made for each sign-in.
const OWN_PARAMETERS: [&str; 18] = [
    "acr_values",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "ui_locales",
];
/// The claim with the identifier of a user's object in a tenant of Entra ID.
const OID: &str = "oid";
/// Claims that users or administrators change, that others may have, or that say something else.
const NOT_LASTING: [&str; 22] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "email",
    "exp",
    "family_name",
    "given_name",
    "iat",
    "iss",
    "jti",
    "name",
    "nickname",
    "nonce",
    "phone_number",
    "preferred_username",
    "sid",
    "tid",
    "unique_name",
    "upn",
];

/// Checks every provider. `is_used`: by this process, which then reads the files of secrets and
/// keys.
pub fn check(
    file: &ConfigFile,
    is_used: bool,
    sources: &SettingSources,
) -> Result<(Vec<IdentityProvider>, Vec<UpstreamConfig>), ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let issuer = file.provider.issuer.as_str();
    let mut checked = (Vec::new(), Vec::new());
    for settings in &file.identity_providers {
        let label = format!("the identity provider \"{}\"", settings.name);
        let refuse = |Wrong { key, value, problem }: Wrong| {
            sources.refuse_key_in((LIST, key), &value, &format!("{problem} (in {label})"))
        };
        let own = self::checked(settings, issuer, CredentialSource::Settings { is_used });
        if let Some((provider, upstream)) = mistakes.note(own.map_err(refuse)) {
            checked.0.push(provider);
            checked.1.push(upstream);
        }
    }
    let is_consistent = identity_provider::check(&checked.0);
    let label = format!("[[{LIST}]]");
    mistakes.note(is_consistent.map_err(|error| sources.refuse_in(LIST, &label, &error)));
    mistakes.or(Some(checked))
}

/// Checks one provider, of the configuration or of the store, whose issuer for its client is
/// `own_issuer`.
pub fn checked(
    settings: &IdentityProviderSettings,
    own_issuer: &str,
    credentials: CredentialSource<'_>,
) -> Result<(IdentityProvider, UpstreamConfig), Wrong> {
    let provider = provider(settings)?;
    let upstream = upstream(settings, &provider, own_issuer, credentials)?;
    Ok((provider, upstream))
}

/// What has no effect, and looks as if it had one.
pub fn warnings(file: &ConfigFile) -> impl Iterator<Item = String> {
    links_nobody(file).chain(unknown_names(file))
}

/// The providers that clients name and the configuration does not define. The store may have them.
fn unknown_names(file: &ConfigFile) -> impl Iterator<Item = String> {
    let is_known =
        |name: &IdentityProviderName| file.identity_providers.iter().any(|own| own.name == *name);
    file.clients.iter().flat_map(move |client| {
        let named = client.identity_providers.iter().flatten();
        named.filter(move |name| !is_known(name)).map(|name| {
            format!(
                "identity_providers of the client \"{}\" names \"{name}\", for which there is no \
                 table in [[identity_providers]]: nobody signs in by it unless it is added by the \
                 API or by command",
                client.client_id
            )
        })
    })
}

fn links_nobody(file: &ConfigFile) -> impl Iterator<Item = String> {
    let entra = file.identity_providers.iter().filter(|own| own.preset == Preset::Entra);
    let trusted = entra.filter(|own| !own.trusted_email_domains.is_empty());
    trusted.map(|own| {
        format!(
            "trusted_email_domains of the identity provider \"{}\" links nobody: Entra ID does not \
             say email_verified. Use link_scim_client, or doorward user link",
            own.name
        )
    })
}

/// What matters for accounts.
fn provider(settings: &IdentityProviderSettings) -> Result<IdentityProvider, Wrong> {
    let title = settings.preset.title().unwrap_or(&settings.name);
    let mark = match settings.preset {
        Preset::Generic => ProviderMark::Generic,
        Preset::Google => ProviderMark::Google,
        Preset::Entra => ProviderMark::Microsoft,
        Preset::Apple => ProviderMark::Apple,
        Preset::GitHub => ProviderMark::GitHub,
        Preset::GitLab => ProviderMark::GitLab,
        Preset::Keycloak => ProviderMark::Keycloak,
        Preset::Doorward => ProviderMark::Doorward,
    };
    Ok(IdentityProvider {
        title: super::title(settings.title.as_deref(), title)?,
        mark: settings.mark.unwrap_or(mark),
        first_sign_in: settings.first_sign_in,
        trusted_email_domains: settings.trusted_email_domains.clone(),
        email_domains: settings.email_domains.clone(),
        claims: settings.claims.clone(),
        trusted_mfa: settings.trusted_mfa,
        mfa_acr: settings.mfa_acr.clone(),
        sign_out_upstream: settings.sign_out_upstream,
        scim_link: scim_link(settings)?,
        enabled: settings.enabled,
        settings: settings.shown(),
        ..IdentityProvider::new(settings.name.clone(), &issuer(settings)?)
    })
}

/// The issuer of the provider's users, or its template.
fn issuer(settings: &IdentityProviderSettings) -> Result<String, Wrong> {
    let given = settings.issuer.as_ref().map(|issuer| issuer.as_str().to_owned());
    let known = match settings.preset.issuer() {
        PresetIssuer::OfTenants => return entra_issuer(settings, given),
        PresetIssuer::Known(issuer) => Some(issuer),
        PresetIssuer::Given => None,
    };
    if let Some(tenant) = settings.tenants.first() {
        let problem = "only the preset entra has tenants: give the issuer";
        return Err(Wrong::new("tenants", tenant, problem));
    }
    let problem = "give the provider's issuer identifier, as its discovery document has it";
    given
        .or_else(|| known.map(str::to_owned))
        .ok_or_else(|| Wrong::new("issuer", "(missing)", problem))
}

/// Entra ID has an issuer for each tenant.
fn entra_issuer(
    settings: &IdentityProviderSettings,
    given: Option<String>,
) -> Result<String, Wrong> {
    if let Some(issuer) = given {
        let problem = "leave it out: the preset entra makes it of tenants";
        return Err(Wrong::new("issuer", issuer, problem));
    }
    let is_tenant = |tenant: &String| {
        tenant.len() == 36
            && tenant
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte) || byte == b'-')
    };
    if let Some(other) = settings.tenants.iter().find(|tenant| !is_tenant(tenant)) {
        let problem = "give the directory (tenant) ID, 36 characters in lower case";
        return Err(Wrong::new("tenants", other, problem));
    }
    match settings.tenants.as_slice() {
        [] => {
            let problem = "list the directory (tenant) IDs whose users may sign in";
            Err(Wrong::new("tenants", "(missing)", problem))
        }
        [only] => Ok(format!("{ENTRA}/{only}/v2.0")),
        [..] => Ok(format!("{ENTRA}/{{tenantid}}/v2.0")),
    }
}

/// How the provider is asked.
fn upstream(
    settings: &IdentityProviderSettings,
    provider: &IdentityProvider,
    own_issuer: &str,
    credentials: CredentialSource<'_>,
) -> Result<UpstreamConfig, Wrong> {
    let is_own = |name: &&String| OWN_PARAMETERS.contains(&name.as_str());
    if let Some(name) = settings.extra_parameters.keys().find(is_own) {
        let problem = "this parameter is made for each sign-in: leave it out";
        return Err(Wrong::new("extra_parameters", name, problem));
    }
    let subject_claim = subject_claim(settings)?;
    let several_tenants = settings.tenants.len() > 1;
    let authority = if several_tenants {
        format!("{ENTRA}/organizations/v2.0")
    } else {
        provider.issuer.clone()
    };
    let redirect_uri = format!("{own_issuer}{}", paths::external_callback(&provider.name));
    let mut client = Settings::new(authority, &settings.client_id, redirect_uri)
        .post_logout_redirect_uri(format!(
            "{own_issuer}{}",
            paths::external_signed_out(&provider.name)
        ))
        .filter_protocol_claims(ClaimsFilter::Protocol(false))
        .load_user_info(settings.load_user_info)
        .scope(scope(settings)?)
        .clock_skew(CLOCK_TOLERANCE.get().into())
        .extra_query_params(settings.extra_parameters.clone().into_iter().collect());
    client.id_token_signed_response_alg = settings.id_token_signing_alg;
    let github = settings.preset == Preset::GitHub;
    if github {
        client = client.metadata(github_metadata(&provider.issuer));
    }
    if let Some(url) = &settings.metadata_url {
        client = client.metadata_url(url.as_str());
    }
    let mut upstream = UpstreamConfig {
        name: provider.name.clone(),
        issuer: provider.issuer.clone(),
        settings: client,
        client_key: None,
        signed_secret: None,
        // The identifier of an object is that of one tenant.
        tenants: if several_tenants || subject_claim == OID {
            settings.tenants.clone()
        } else {
            Vec::new()
        },
        // It sends the claim only if its operator adds it to those of the application.
        asks_again: settings.preset == Preset::Entra,
        prompts: match settings.preset {
            Preset::Google => &[SELECT_ACCOUNT, CONSENT],
            // Where users may not consent by themselves, it would ask an administrator each time.
            Preset::Entra => &[SELECT_ACCOUNT],
            _ => &[],
        },
        subject_claim,
        scim_claim: provider.scim_link.as_ref().map(|link| link.claim.clone()),
        apple: settings.preset == Preset::Apple,
        github,
    };
    authenticate(settings, &mut upstream, credentials)?;
    let settings_are_valid = upstream.settings.validate();
    settings_are_valid
        .map_err(|error| Wrong::new("client_id", &settings.client_id, error.to_string()))?;
    Ok(upstream)
}

/// The claim that names users. One that can become somebody else's would hand accounts over.
fn subject_claim(settings: &IdentityProviderSettings) -> Result<String, Wrong> {
    let Some(claim) = &settings.subject_claim else { return Ok(SUB.to_owned()) };
    let refused = |problem: &str| Err(Wrong::new("subject_claim", claim, problem));
    match settings.preset {
        _ if claim == SUB => {}
        Preset::Entra if claim == OID => {}
        Preset::Entra => return refused("the preset entra takes \"sub\" or \"oid\""),
        Preset::GitHub => return refused("GitHub sends no ID token: leave it out"),
        _ => lasting("subject_claim", claim)?,
    }
    Ok(claim.clone())
}

/// By what users of SCIM are found.
fn scim_link(settings: &IdentityProviderSettings) -> Result<Option<ScimLink>, Wrong> {
    let (client, claim) = match (&settings.link_scim_client, &settings.link_scim_by) {
        (None, None) => return Ok(None),
        (Some(client), Some(claim)) => (client.clone(), claim.clone()),
        (Some(client), None) => {
            let problem = "name the claim that is the externalId, by link_scim_by";
            return Err(Wrong::new("link_scim_client", client, problem));
        }
        (None, Some(claim)) => {
            let problem = "name the client that adds the users, by link_scim_client";
            return Err(Wrong::new("link_scim_by", claim, problem));
        }
    };
    lasting("link_scim_by", &claim)?;
    if settings.preset == Preset::GitHub {
        let problem = "GitHub sends no ID token: leave it out";
        return Err(Wrong::new("link_scim_by", claim, problem));
    }
    if settings.tenants.len() > 1 {
        let problem = "another tenant may have the same value: list one tenant";
        return Err(Wrong::new("link_scim_by", claim, problem));
    }
    Ok(Some(ScimLink { client, claim }))
}

/// Refuses a claim that is no lasting identifier: users change it, or it becomes somebody else's.
fn lasting(key: &'static str, claim: &str) -> Result<(), Wrong> {
    if claim.is_empty() || NOT_LASTING.contains(&claim) {
        let problem = "this claim is no lasting identifier: it changes, or becomes somebody \
                       else's. Name one that never does";
        return Err(Wrong::new(key, claim, problem));
    }
    Ok(())
}

/// GitHub's discovery documents are made for something else, so what is needed is written here. In
/// authorization responses, GitHub calls itself `https://github.com/login/oauth`
/// ("GitHub authentication discovery endpoints"), and not as its users' identities are kept.
fn github_metadata(server: &str) -> ProviderMetadata {
    let issuer = format!("{}/login/oauth", server.trim_end_matches('/'));
    let at = |path: &str| Some(format!("{issuer}{path}"));
    let mut metadata = ProviderMetadata::new(&issuer);
    metadata.authorization_endpoint = at("/authorize");
    metadata.token_endpoint = at("/access_token");
    metadata
}

fn scope(settings: &IdentityProviderSettings) -> Result<String, Wrong> {
    let Some(scope) = &settings.scopes else {
        return Ok(match settings.preset {
            // The name would be in the form that is posted, where nobody has signed it.
            Preset::Apple => "openid email",
            Preset::GitHub => "read:user user:email",
            _ => "openid profile email",
        }
        .to_owned());
    };
    if scope.contains("openid") || settings.preset == Preset::GitHub {
        return Ok(scope.to_string());
    }
    let problem = "openid must be one of them: without it the provider does not say who signed in";
    Err(Wrong::new("scopes", scope, problem))
}

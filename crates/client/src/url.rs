//! The little that the client needs to know about URLs (RFC 3986): where the parts are, nothing
//! more. Full URL parsing would weigh more in the browser than the rest of the client.

/// Scheme, host and port of an http or https URL, without user information. `None` for anything
/// else.
pub(crate) fn origin(url: &str) -> Option<&str> {
    let scheme_end = if url.starts_with("https://") {
        8
    } else if url.starts_with("http://") {
        7
    } else {
        return None;
    };
    let authority_end =
        url[scheme_end..].find(['/', '?', '#', '\\']).map_or(url.len(), |end| end + scheme_end);
    let authority = &url[scheme_end..authority_end];
    let readable = !authority.is_empty()
        && !authority.contains('@')
        && url.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    readable.then(|| &url[..authority_end])
}

/// Whether whoever listens on the network can neither read nor change what goes to this URL: https,
/// or this device.
pub(crate) fn is_protected(url: &str) -> bool {
    let Some(origin) = origin(url) else {
        return false;
    };
    let Some(authority) = origin.strip_prefix("http://") else {
        return true;
    };
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.ends_with(".localhost") || host == "::1" || is_ipv4_loopback(host)
}

/// `127.` and three more numbers; browsers have turned other spellings of an address into this one.
fn is_ipv4_loopback(host: &str) -> bool {
    let mut parts = host.split('.');
    parts.next() == Some("127")
        && parts.clone().count() == 3
        && parts.all(|part| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// A URL's path and what comes before it, its query and its fragment, both without their marks.
pub(crate) fn split(url: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, fragment) = match url.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment)),
        None => (url, None),
    };
    match rest.split_once('?') {
        Some((path, query)) => (path, Some(query), fragment),
        None => (rest, None, fragment),
    }
}

/// Names and values as they stand in a query or a form.
pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    doorward_protocol::params::encode(pairs.iter().copied())
}

/// The URL with more encoded parameters in its query; what it has is kept (RFC 6749 section 3.1).
pub(crate) fn with_query(url: &str, added: &str) -> String {
    let (path, query, _) = split(url);
    match query {
        None | Some("") => [path, "?", added].concat(),
        Some(query) => [path, "?", query, "&", added].concat(),
    }
}

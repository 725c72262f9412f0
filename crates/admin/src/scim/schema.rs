//! The attributes of users and groups (RFC 7643 sections 4.1, 4.2 and 4.3), as tables. What is in
//! no table is not kept: requests that have it are answered as if they did not.

use serde_json::{Value, json};

use super::attribute_path::AttributePath;

/// The URN of users.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The URN of groups.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The URN of what employees have.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// An attribute, or one within another.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // As RFC 7643 section 7 has them.
pub struct Attribute {
    /// The name.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Whether it may have several values.
    pub is_list: bool,
    /// Whether a resource must have it.
    pub is_required: bool,
    /// Whether its texts are compared with their case.
    pub case_exact: bool,
    /// Who may change it.
    pub mutability: Mutability,
    /// Whether no two resources have the same one.
    pub is_unique: bool,
    /// The only texts that it can have; empty: any.
    pub canonical: &'static [&'static str],
    /// What it is for.
    pub description: &'static str,
    /// The attributes within it.
    pub subs: &'static [Attribute],
}

/// What the values of an attribute are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Texts.
    Text,
    /// Truth values.
    Boolean,
    /// URLs: of a user, or, without one, of anything.
    Reference(&'static [&'static str]),
    /// Attributes.
    Complex,
}

/// Who may change an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// Clients, too.
    ReadWrite,
    /// The server alone.
    ReadOnly,
    /// Clients, who can't read it.
    WriteOnly,
    /// Clients, once.
    Immutable,
}

const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute {
        name,
        kind: Kind::Text,
        is_list: false,
        is_required: false,
        case_exact: false,
        mutability: Mutability::ReadWrite,
        is_unique: false,
        canonical: &[],
        description,
        subs: &[],
    }
}

const fn complex(
    name: &'static str,
    description: &'static str,
    subs: &'static [Attribute],
) -> Attribute {
    Attribute { kind: Kind::Complex, subs, ..text(name, description) }
}

const fn list(
    name: &'static str,
    description: &'static str,
    subs: &'static [Attribute],
) -> Attribute {
    Attribute { is_list: true, ..complex(name, description, subs) }
}

impl Attribute {
    const fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    const fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    const fn mutable(self, mutability: Mutability) -> Self {
        Self { mutability, ..self }
    }

    const fn unique(self) -> Self {
        Self { is_unique: true, ..self }
    }

    /// The attribute of this name within it.
    pub fn sub(&self, name: &str) -> Option<&'static Attribute> {
        named(self.subs, name)
    }

    /// Whether a client can't change it.
    pub fn is_read_only(&self) -> bool {
        self.mutability == Mutability::ReadOnly
    }
}

fn named(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

const TYPE: Attribute = text("type", "What it is used for, such as work or home.");
const DISPLAY: Attribute = text("display", "A name for people.");
const PRIMARY: Attribute =
    text("primary", "Whether it is the one to use. At most one of them is.").of_kind(Kind::Boolean);

/// What every resource has (RFC 7643 section 3.1).
static COMMON: &[Attribute] = &[
    Attribute {
        case_exact: true,
        is_unique: true,
        mutability: Mutability::ReadOnly,
        ..text("id", "The identifier here.")
    },
    text("externalId", "The identifier at the client. Each client has its own.").exact(),
    complex(
        "meta",
        "About the resource.",
        &[
            text("resourceType", "What it is.").exact().mutable(Mutability::ReadOnly),
            text("location", "Where it is.").exact().mutable(Mutability::ReadOnly),
            text("version", "Its state, as in the header ETag.")
                .exact()
                .mutable(Mutability::ReadOnly),
        ],
    )
    .mutable(Mutability::ReadOnly),
];

/// A schema.
#[derive(Debug)]
pub struct Schema {
    /// The URN.
    pub id: &'static str,
    /// A name for people.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The attributes.
    pub attributes: &'static [Attribute],
}

/// A kind of resource.
#[derive(Debug)]
pub struct ResourceType {
    /// The name.
    pub name: &'static str,
    /// The path of its endpoint.
    pub endpoint: &'static str,
    /// The schema that every resource has.
    pub core: &'static Schema,
    /// The schemas that it may have.
    pub extensions: &'static [&'static Schema],
}

/// Users.
pub static USERS: ResourceType = ResourceType {
    name: "User",
    endpoint: "/Users",
    core: &USER_SCHEMA,
    extensions: &[&ENTERPRISE_SCHEMA],
};

/// Groups.
pub static GROUPS: ResourceType =
    ResourceType { name: "Group", endpoint: "/Groups", core: &GROUP_SCHEMA, extensions: &[] };

static USER_SCHEMA: Schema = Schema {
    id: USER,
    name: "User",
    description: "A user account",
    attributes: &[
        text("userName", "What the user signs in with.").required().unique(),
        complex(
            "name",
            "The parts of the user's name.",
            &[
                text("formatted", "The whole name."),
                text("familyName", "The family name."),
                text("givenName", "The given name."),
                text("middleName", "The middle names."),
                text("honorificPrefix", "Titles before the name."),
                text("honorificSuffix", "What stands behind the name."),
            ],
        ),
        text("displayName", "The name that is shown, the claim name."),
        text("nickName", "The casual name."),
        text("profileUrl", "A page about the user.").exact().of_kind(Kind::Reference(&[])),
        text("title", "The user's title at work."),
        text("userType", "The relation to the organization."),
        text("preferredLanguage", "The preferred languages, as in Accept-Language."),
        text("locale", "The locale, for numbers and dates."),
        text("timezone", "The time zone by its IANA name."),
        text("active", "Whether the user may sign in.").of_kind(Kind::Boolean),
        text("password", "A new password. The rules for passwords hold.")
            .exact()
            .mutable(Mutability::WriteOnly),
        list(
            "emails",
            "E-mail addresses. The primary one, or else the first, is the claim email.",
            &[text("value", "The address."), DISPLAY, TYPE, PRIMARY],
        ),
        list(
            "phoneNumbers",
            "Phone numbers. The primary one, or else the first, is the claim phone_number.",
            &[text("value", "The number."), DISPLAY, TYPE, PRIMARY],
        ),
        list(
            "addresses",
            "Postal addresses. The primary one, or else the first, is the claim address.",
            &[
                text("formatted", "The whole address."),
                text("streetAddress", "Street and number."),
                text("locality", "City."),
                text("region", "State or region."),
                text("postalCode", "Postal code."),
                text("country", "Country."),
                TYPE,
                PRIMARY,
            ],
        ),
        Attribute {
            mutability: Mutability::ReadOnly,
            ..list(
                "groups",
                "The groups that the user is in. They are changed at the groups.",
                &[
                    text("value", "The identifier of the group.")
                        .exact()
                        .mutable(Mutability::ReadOnly),
                    text("$ref", "Where the group is.")
                        .exact()
                        .of_kind(Kind::Reference(&["Group"]))
                        .mutable(Mutability::ReadOnly),
                    text("display", "The name of the group.").mutable(Mutability::ReadOnly),
                ],
            )
        },
    ],
};

static ENTERPRISE_SCHEMA: Schema = Schema {
    id: ENTERPRISE,
    name: "Enterprise User",
    description: "What users have who are employees",
    attributes: &[
        text("employeeNumber", "The number of the employee."),
        text("costCenter", "The cost center."),
        text("organization", "The organization."),
        text("division", "The division."),
        text("department", "The department."),
        complex(
            "manager",
            "The user's manager.",
            &[
                text("value", "The identifier of the manager.").exact(),
                text("$ref", "Where the manager is.").exact().of_kind(Kind::Reference(&["User"])),
            ],
        ),
    ],
};

static GROUP_SCHEMA: Schema = Schema {
    id: GROUP,
    name: "Group",
    description: "A group of users",
    attributes: &[
        text("displayName", "What people call the group.").required().unique(),
        list(
            "members",
            "The users in the group.",
            &[
                text("value", "The identifier of the user.").exact().mutable(Mutability::Immutable),
                text("$ref", "Where the user is.")
                    .exact()
                    .of_kind(Kind::Reference(&["User"]))
                    .mutable(Mutability::Immutable),
                Attribute {
                    canonical: &["User"],
                    ..text("type", "User: groups are in no group.").mutable(Mutability::Immutable)
                },
            ],
        ),
    ],
};

/// An attribute that a path names.
#[derive(Debug, Clone, Copy)]
pub struct Resolved {
    /// The URN of the extension that has it; `None`: the resource itself.
    pub extension: Option<&'static str>,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// The attribute within it, if the path names one.
    pub sub: Option<&'static Attribute>,
}

impl ResourceType {
    /// The schemas, the one that every resource has first.
    pub fn schemas(&self) -> impl Iterator<Item = &'static Schema> + use<'_> {
        std::iter::once(self.core).chain(self.extensions.iter().copied())
    }

    /// The extension with this URN, in any case.
    pub fn extension(&self, urn: &str) -> Option<&'static Schema> {
        self.extensions.iter().copied().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The attribute of this name, without a URN.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        named(COMMON, name).or_else(|| named(self.core.attributes, name))
    }

    /// The attribute that a path names.
    pub fn resolve(&self, path: &AttributePath) -> Option<Resolved> {
        let (extension, attribute) = match &path.schema {
            None => (None, self.attribute(&path.name)?),
            Some(urn) if urn.eq_ignore_ascii_case(self.core.id) => {
                (None, self.attribute(&path.name)?)
            }
            Some(urn) => {
                let schema = self.extension(urn)?;
                (Some(schema.id), named(schema.attributes, &path.name)?)
            }
        };
        let sub = match &path.sub {
            None => None,
            Some(name) => Some(attribute.sub(name)?),
        };
        Some(Resolved { extension, attribute, sub })
    }
}

impl Schema {
    /// The schema as a resource (RFC 7643 section 7).
    pub fn to_json(&self, base: &str) -> Value {
        let attributes: Vec<Value> = self.attributes.iter().map(Attribute::to_json).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": attributes,
            "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", self.id)},
        })
    }
}

impl Attribute {
    fn to_json(&self) -> Value {
        let kind = match self.kind {
            Kind::Text => "string",
            Kind::Boolean => "boolean",
            Kind::Reference(_) => "reference",
            Kind::Complex => "complex",
        };
        let mutability = match self.mutability {
            Mutability::ReadWrite => "readWrite",
            Mutability::ReadOnly => "readOnly",
            Mutability::WriteOnly => "writeOnly",
            Mutability::Immutable => "immutable",
        };
        let is_write_only = self.mutability == Mutability::WriteOnly;
        let mut shown = json!({
            "name": self.name,
            "type": kind,
            "multiValued": self.is_list,
            "description": self.description,
            "required": self.is_required,
            "mutability": mutability,
            "returned": if is_write_only { "never" } else { "default" },
            "uniqueness": if self.is_unique { "server" } else { "none" },
        });
        if matches!(self.kind, Kind::Text | Kind::Reference(_)) {
            shown["caseExact"] = json!(self.case_exact);
        }
        if !self.canonical.is_empty() {
            shown["canonicalValues"] = json!(self.canonical);
        }
        match self.kind {
            Kind::Reference([]) => shown["referenceTypes"] = json!(["external"]),
            Kind::Reference(types) => shown["referenceTypes"] = json!(types),
            Kind::Complex => {
                shown["subAttributes"] = self.subs.iter().map(Attribute::to_json).collect();
            }
            Kind::Text | Kind::Boolean => {}
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn resolve(path: &str) -> Option<(Option<&'static str>, &'static str, Option<&'static str>)> {
        let resolved = USERS.resolve(&AttributePath::parse(path).unwrap())?;
        let sub = resolved.sub.map(|sub| sub.name);
        Some((resolved.extension, resolved.attribute.name, sub))
    }

    #[test]
    fn paths_name_attributes_in_any_case() {
        assert_eq!(resolve("USERNAME"), Some((None, "userName", None)));
        assert_eq!(resolve("Name.givenname"), Some((None, "name", Some("givenName"))));
        assert_eq!(resolve(&format!("{USER}:emails.value")), Some((None, "emails", Some("value"))));
        let department = format!("{}:Department", ENTERPRISE.to_uppercase());
        assert_eq!(resolve(&department), Some((Some(ENTERPRISE), "department", None)));
        for unknown in ["roles", "userName.value", "name.x", "department", "urn:x:userName"] {
            assert_eq!(resolve(unknown), None, "{unknown}");
        }
    }
}

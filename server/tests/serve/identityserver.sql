-- The tables of Duende IdentityServer and ASP.NET Core Identity, as far as they are read. Some
-- columns are left out, as older versions do. SQLite and PostgreSQL both take this.
CREATE TABLE "__EFMigrationsHistory" ("MigrationId" TEXT PRIMARY KEY, "ProductVersion" TEXT);
CREATE TABLE "Clients" (
    "Id" INTEGER PRIMARY KEY, "Enabled" BOOLEAN NOT NULL, "ClientId" TEXT NOT NULL,
    "ProtocolType" TEXT NOT NULL, "RequireClientSecret" BOOLEAN NOT NULL, "ClientName" TEXT,
    "RequireConsent" BOOLEAN NOT NULL, "RequirePkce" BOOLEAN NOT NULL,
    "RequireDPoP" BOOLEAN NOT NULL, "AllowOfflineAccess" BOOLEAN NOT NULL,
    "AccessTokenLifetime" INTEGER NOT NULL, "AccessTokenType" INTEGER NOT NULL,
    "RefreshTokenUsage" INTEGER NOT NULL, "ConsentLifetime" INTEGER, "Created" TIMESTAMP NOT NULL,
    "DPoPClockSkew" TEXT NOT NULL, "Theme" TEXT
);
CREATE TABLE "ClientSecrets" (
    "Id" INTEGER PRIMARY KEY, "Description" TEXT, "Value" TEXT NOT NULL, "Expiration" TIMESTAMP,
    "Type" TEXT NOT NULL, "ClientId" INTEGER NOT NULL
);
CREATE TABLE "ClientGrantTypes" (
    "Id" INTEGER PRIMARY KEY, "GrantType" TEXT NOT NULL, "ClientId" INTEGER NOT NULL
);
CREATE TABLE "ClientRedirectUris" (
    "Id" INTEGER PRIMARY KEY, "RedirectUri" TEXT NOT NULL, "ClientId" INTEGER NOT NULL
);
CREATE TABLE "ClientScopes" (
    "Id" INTEGER PRIMARY KEY, "Scope" TEXT NOT NULL, "ClientId" INTEGER NOT NULL
);
CREATE TABLE "ClientProperties" (
    "Id" INTEGER PRIMARY KEY, "Key" TEXT NOT NULL, "Value" TEXT NOT NULL,
    "ClientId" INTEGER NOT NULL
);
CREATE TABLE "ApiScopes" (
    "Id" INTEGER PRIMARY KEY, "Enabled" BOOLEAN NOT NULL, "Name" TEXT NOT NULL,
    "DisplayName" TEXT, "Required" BOOLEAN NOT NULL
);
CREATE TABLE "ApiResources" (
    "Id" INTEGER PRIMARY KEY, "Enabled" BOOLEAN NOT NULL, "Name" TEXT NOT NULL
);
CREATE TABLE "ApiResourceScopes" (
    "Id" INTEGER PRIMARY KEY, "Scope" TEXT NOT NULL, "ApiResourceId" INTEGER NOT NULL
);
CREATE TABLE "PersistedGrants" (
    "Id" INTEGER PRIMARY KEY, "Key" TEXT, "Type" TEXT NOT NULL, "SubjectId" TEXT,
    "ClientId" TEXT NOT NULL, "Expiration" TIMESTAMP, "Data" TEXT NOT NULL
);
CREATE TABLE "ServerSideSessions" ("Id" INTEGER PRIMARY KEY, "Data" TEXT NOT NULL);
CREATE TABLE "AspNetRoles" ("Id" TEXT PRIMARY KEY, "Name" TEXT);
CREATE TABLE "AspNetRoleClaims" (
    "Id" INTEGER PRIMARY KEY, "RoleId" TEXT NOT NULL, "ClaimType" TEXT, "ClaimValue" TEXT
);
CREATE TABLE "AspNetUsers" (
    "Id" TEXT PRIMARY KEY, "UserName" TEXT, "NormalizedUserName" TEXT, "Email" TEXT,
    "EmailConfirmed" BOOLEAN NOT NULL, "PasswordHash" TEXT, "SecurityStamp" TEXT,
    "TwoFactorEnabled" BOOLEAN NOT NULL, "LockoutEnd" TIMESTAMP, "Shoe" INTEGER
);
CREATE TABLE "AspNetUserRoles" ("UserId" TEXT NOT NULL, "RoleId" TEXT NOT NULL);
CREATE TABLE "AspNetUserClaims" (
    "Id" INTEGER PRIMARY KEY, "UserId" TEXT NOT NULL, "ClaimType" TEXT, "ClaimValue" TEXT
);
CREATE TABLE "AspNetUserLogins" (
    "LoginProvider" TEXT NOT NULL, "ProviderKey" TEXT NOT NULL, "ProviderDisplayName" TEXT,
    "UserId" TEXT NOT NULL
);
CREATE TABLE "AspNetUserTokens" (
    "UserId" TEXT NOT NULL, "LoginProvider" TEXT NOT NULL, "Name" TEXT NOT NULL, "Value" TEXT
);
CREATE TABLE "Orders" ("Id" INTEGER PRIMARY KEY, "What" TEXT);

INSERT INTO "Clients" VALUES
    (1, TRUE, 'mvc', 'oidc', TRUE, 'MVC', TRUE, TRUE, FALSE, TRUE, 900, 1, 1, NULL,
        '2020-01-01 00:00:00', '00:05:00', NULL),
    (2, FALSE, 'robot', 'oidc', TRUE, NULL, FALSE, FALSE, FALSE, FALSE, 3600, 0, 1, NULL,
        '2020-01-01 00:00:00', '00:05:00', 'dark');
INSERT INTO "ClientSecrets" VALUES
    (1, 'first', 'K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=', '2037-01-31 12:00:00',
        'SharedSecret', 1),
    (2, NULL, 'K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=', NULL, 'SharedSecret', 2);
INSERT INTO "ClientGrantTypes" VALUES (1, 'authorization_code', 1), (2, 'client_credentials', 2);
INSERT INTO "ClientRedirectUris" VALUES (1, 'https://mvc.example.com/signin-oidc', 1);
INSERT INTO "ClientScopes" VALUES (1, 'openid', 1), (2, 'profile', 1), (3, 'api1', 2);
INSERT INTO "ClientProperties" VALUES (1, 'a', 'b', 2);
INSERT INTO "ApiScopes" VALUES (1, TRUE, 'api1', 'The API', FALSE), (2, FALSE, 'old', NULL, FALSE);
INSERT INTO "ApiResources" VALUES (1, TRUE, 'orders');
INSERT INTO "ApiResourceScopes" VALUES (1, 'api1', 1);
INSERT INTO "PersistedGrants" VALUES
    (1, 'a=', 'refresh_token', '1', 'mvc', NULL, '{}'),
    (2, 'b=', 'user_consent', '1', 'mvc', NULL,
        '{"SubjectId":"1","ClientId":"mvc","Scopes":["openid","profile"]}'),
    (3, 'c=', 'user_consent', '9', 'mvc', NULL,
        '{"SubjectId":"9","ClientId":"mvc","Scopes":["openid"]}'),
    (4, 'd=', 'user_consent', '1', 'gone', NULL,
        '{"SubjectId":"1","ClientId":"gone","Scopes":["openid"]}');
INSERT INTO "ServerSideSessions" VALUES (1, 'x'), (2, 'y');
INSERT INTO "AspNetRoles" VALUES ('r', 'admin');
INSERT INTO "AspNetRoleClaims" VALUES (1, 'r', 'level', '9');
INSERT INTO "AspNetUsers" VALUES
    ('1', 'ada', 'ADA', 'ada@example.com', TRUE,
        'AQAAAAIAACcQAAAAEAABAgMEBQYHCAkKCwwNDg8QISIXesfGJA2fd4iEPf+tC7smA1S4c2QTBevrsewdcA==',
        'x', FALSE, NULL, 39),
    ('2', 'bob', 'BOB', NULL, FALSE, NULL, 'x', TRUE, '9999-12-31 23:59:59', NULL);
INSERT INTO "AspNetUserRoles" VALUES ('1', 'r');
INSERT INTO "AspNetUserClaims" VALUES
    (1, '1', 'site', 'A'), (2, '1', 'site', 'B'), (3, '1', 'email', 'ada@example.com');
INSERT INTO "AspNetUserLogins" VALUES ('Google', '7', 'Google', '1');
INSERT INTO "AspNetUserTokens" VALUES
    ('1', '[AspNetUserStore]', 'AuthenticatorKey', 'x'), ('1', 'GitHub', 'access_token', 'x');
-- Columns whose names a statement may use for the tables themselves.
ALTER TABLE "AspNetUsers" ADD COLUMN "t" TEXT;
ALTER TABLE "ClientSecrets" ADD COLUMN "c" TEXT;

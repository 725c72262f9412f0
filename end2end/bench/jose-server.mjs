// What script/bench compares with: a Node.js server that checks each call's access token by jose, as its documentation has it.
// node jose-server.mjs ISSUER AUDIENCE prints the address that it listens on.
import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const [issuer, audience] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
const options = {
  issuer,
  audience,
  typ: 'at+jwt',
  requiredClaims: ['sub', 'client_id', 'jti', 'iat', 'exp'],
};

const server = createServer(async (request, response) => {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  try {
    if (scheme !== 'Bearer') throw new Error('no token');
    await jwtVerify(token, keys, options);
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 5 }).end('hello');
  } catch {
    response.writeHead(401, { 'www-authenticate': 'Bearer', 'content-length': 0 }).end();
  }
});
server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`));

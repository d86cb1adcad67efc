// A protected resource: checks JWT access tokens and DPoP proofs with oauth4webapi, which others wrote as well.
// With ?nonce=required every proof needs a nonce of its own (RFC 9449, section 9), each good for one request.

import { randomUUID } from 'node:crypto';

import * as oauth from 'oauth4webapi';

const claimsOf = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url').toString());

export function protectedResource(issuer, audience) {
  const server = { issuer, jwks_uri: `${issuer}/jwks` };
  const proofs = new Set();
  const nonces = new Set();

  async function answer(message, headers) {
    const url = new URL(message.url, audience);
    const request = new Request(url, { method: message.method, headers: message.headers });
    const { dpop } = message.headers;
    const refuse = (error) => {
      headers['WWW-Authenticate'] = `${dpop ? 'DPoP' : 'Bearer'} error="${error}"`;
      return [401, { error }];
    };
    let claims;
    try {
      claims = await oauth.validateJwtAccessToken(server, request, audience, { [oauth.allowInsecureRequests]: true });
    } catch (error) {
      console.error('resource: %s', error.message);
      return refuse('invalid_token');
    }
    if (dpop) {
      const proof = claimsOf(dpop);
      if (url.searchParams.get('nonce') === 'required') {
        headers['DPoP-Nonce'] = randomUUID();
        nonces.add(headers['DPoP-Nonce']);
        if (!nonces.delete(proof.nonce)) return refuse('use_dpop_nonce');
      }
      if (proofs.has(proof.jti)) return refuse('invalid_dpop_proof');
      proofs.add(proof.jti);
    }
    const { sub, client_id, scope = '' } = claims;
    return [200, { sub, client_id, scope, bound: Boolean(claims.cnf) }];
  }

  return async (message, response) => {
    message.resume();
    const headers = { 'Content-Type': 'application/json' };
    const [status, body] = await answer(message, headers);
    response.writeHead(status, headers).end(JSON.stringify(body));
  };
}

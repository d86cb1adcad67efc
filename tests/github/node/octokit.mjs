// Octokit against the stub: what it is told comes as JSON on standard input, what it found goes to standard output.

import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/core";
import { paginateRest } from "@octokit/plugin-paginate-rest";
import { readFileSync } from "node:fs";

const { url, appId, privateKey, installation } = JSON.parse(readFileSync(0, "utf8"));
const log = { debug() {}, info() {}, warn: console.error, error() {} };

function client(options) {
  const auth = { appId, privateKey, ...options };
  return new (Octokit.plugin(paginateRest))({ baseUrl: url, authStrategy: createAppAuth, auth, log });
}

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return { status: error.status, message: error.response.data.message };
  }
  throw new Error("it should have been refused");
}

const app = client({});
const { data: self } = await app.request("GET /app");
const whole = client({ installationId: installation });
const { tokenType } = await whole.auth({ type: "installation" });
const repository = { owner: "acme", repo: "widgets" };
const pulls = await whole.paginate("GET /repos/{owner}/{repo}/pulls", { ...repository, state: "all", per_page: 20 });
const { repository: found } = await whole.graphql(
  `{ repository(owner: "acme", name: "widgets") { pullRequest(number: 1) { title } } }`,
);
const missing = await failure(whole.request("GET /repos/acme/nothing"));
const narrowed = await whole.auth({ type: "installation", permissions: { metadata: "read" } });
const less = new Octokit({ baseUrl: url, auth: narrowed.token, log });
const refused = await failure(less.request("GET /repos/acme/secret/pulls"));

console.log(
  JSON.stringify({
    app: self.slug,
    token: tokenType === "installation" ? tokenType : `unknown: ${tokenType}`,
    pulls: pulls.map(({ number }) => number),
    graphql: found.pullRequest.title,
    missing: missing.status,
    refused: { status: refused.status, message: refused.message },
  }),
);

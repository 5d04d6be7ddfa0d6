// GraphQL over HTTP, audited by `graphql-http`. `getHeaders` are sent with every GET.
import { answer, request } from './pipe.mjs';

const { edition, url, getHeaders } = request;
const { serverAudits } = await import(edition);

function fetchFn(target, options = {}) {
  const added = (options.method ?? 'GET') === 'GET' ? getHeaders : {};
  return fetch(target, { ...options, headers: { ...options.headers, ...added } });
}

const results = [];
for (const { id, name, fn } of serverAudits({ url, fetchFn })) {
  const { status, reason = null } = await fn();
  results.push({ id, name, status, reason });
}
answer(results);

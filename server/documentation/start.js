/* global SwaggerUIBundle, document */
// Draws openapi.yaml. `validatorUrl: null`: nothing of it is sent to a validator of another host.
SwaggerUIBundle({
  url: '/openapi.yaml',
  domNode: document.getElementById('documentation'),
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});

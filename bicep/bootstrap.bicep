targetScope = 'subscription'

metadata description = 'Once for each region, by an owner of the subscription: the identities with which GitHub deploys this region, and previews changes to it.'

import { registrationRemover, roles } from 'roles.bicep'
import { localName } from 'names.bicep'

@description('Code of the region, as in its file.')
param code string
param location string

@description('The repository, such as pumps/pumps.')
param repository string

@description('The GitHub environment of the region: its file\'s name. Its approvals stand before every use of the identity.')
param environment string

var contributor = 'b24988ac-6180-42a0-ab88-20f7382dd24c'
var accessAdministrator = 'f58310d9-a9f6-439a-9e8d-f62e7b41a168'
var locksContributor = '28bf596f-4eb7-45ce-b5bc-6cf482fec137'

// It gives and takes the roles of this template, and never its own: nothing that runs in the pipeline can raise its rights.
var remover = registrationRemover(subscription().subscriptionId, code)
var list = join(concat(map(objectKeys(roles), role => roles[role]), [remover]), ', ')
var onlyThese = '((!(ActionMatches{\'Microsoft.Authorization/roleAssignments/write\'}) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${list}})) AND (!(ActionMatches{\'Microsoft.Authorization/roleAssignments/delete\'}) OR (@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${list}})))'

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: '${localName(code, '')}-deploy'
  location: location
}

module deployer 'modules/deployer.bicep' = {
  scope: group
  params: { name: localName(code, 'deploy'), location: location, repository: repository, environment: environment }
}

resource grants 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in [contributor, accessAdministrator, locksContributor]: {
    name: guid(subscription().id, code, role)
    properties: {
      principalId: deployer.outputs.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
      condition: role == accessAdministrator ? onlyThese : null
      conditionVersion: role == accessAdministrator ? '2.0' : null
    }
  }
]

resource mayRemoveRegistrations 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: remover
  properties: {
    roleName: 'Pumps registrations ${code}'
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [{ dataActions: ['Microsoft.Devices/provisioningServices/registrationStates/delete'] }]
  }
}

// Pull requests run before anybody has approved them: their identity reads, asks, and changes nothing.
resource mayPreview 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, code, 'preview')
  properties: {
    roleName: 'Pumps preview ${code}'
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [
      { actions: ['*/read', 'Microsoft.Resources/deployments/whatIf/action', 'Microsoft.Resources/deployments/validate/action'] }
    ]
  }
}

module planner 'modules/deployer.bicep' = {
  name: 'planner'
  scope: group
  params: { name: localName(code, 'plan'), location: location, repository: repository, environment: '${environment}-plan' }
}

resource preview 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, code, 'preview')
  properties: {
    principalId: planner.outputs.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: mayPreview.id
  }
}

@description('AZURE_CLIENT_ID of the environment. An id, not a secret.')
output clientId string = deployer.outputs.clientId

@description('AZURE_CLIENT_ID of the environment for previews.')
output planClientId string = planner.outputs.clientId

@description('Becomes a member of the group of database administrators.')
output principalId string = deployer.outputs.principalId

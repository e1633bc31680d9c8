metadata description = 'The workbooks of one region: what comes in, what goes out, what lags, what fails, what it costs.'

import { partnerType } from '../types.bicep'

param code string
param location string
param workspaceId string
param partners partnerType[]

@description('The namespace of the feeds, whose readers the partners are.')
param feedsId string

// The file names one partner that nobody is, so that its query is whole without a region.
var readers = flatten(map(partners, partner => map(partner.feeds, feed => '\\"${partner.name}\\", \\"${feed}\\"')))

var books = [
  { name: 'region', title: 'Region', data: loadTextContent('../workbooks/region.json') }
  { name: 'devices', title: 'Devices', data: loadTextContent('../workbooks/devices.json') }
  { name: 'commands', title: 'Commands and firmware', data: loadTextContent('../workbooks/commands.json') }
  { name: 'cost', title: 'Cost and capacity', data: loadTextContent('../workbooks/cost.json') }
  {
    name: 'partners'
    title: 'Partners'
    data: replace(
      replace(
        loadTextContent('../workbooks/partners.json'),
        '\\"nobody\\", \\"no-feed\\"',
        empty(readers) ? '\\"nobody\\", \\"no-feed\\"' : join(readers, ', ')
      ),
      '{feedsId}',
      feedsId
    )
  }
]

resource workbooks 'Microsoft.Insights/workbooks@2023-06-01' = [
  for book in books: {
    name: guid(resourceGroup().id, code, book.name)
    location: location
    kind: 'shared'
    properties: {
      displayName: '${book.title} (${code})'
      category: 'workbook'
      sourceId: workspaceId
      serializedData: book.data
      version: '1.0'
    }
  }
]
